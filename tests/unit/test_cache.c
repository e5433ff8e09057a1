/*
 * Against a real Redis of its own (skipped where redis-server is not installed): what it does when
 * it is fine, wrong, hung and gone.
 */
#include "api/counters.h"
#include "api/store/cache.h"
#include "api/task.h"
#include "base/clock.h"
#include "tests/unit/redis_server.h"

#define TIMEOUT_MS  50
#define PATIENCE_MS 5000 /* for what must happen, but may take its time on a busy machine */

struct fixture {
    struct redis_server redis;
    uv_loop_t loop;
    uv_timer_t tick; /* keeps uv_run() turning */
    struct task_pool *tasks;
    struct cache *cache;
};

static void on_tick(uv_timer_t *timer)
{
}

static void wait_until(struct fixture *f, bool (*is_so)(struct fixture *f))
{
    const int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (!is_so(f)) {
        assert_true(clock_mono_ms() < end_ms);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

static bool is_up(struct fixture *f)
{
    return cache_is_up(f->cache);
}

static bool is_down(struct fixture *f)
{
    return !cache_is_up(f->cache);
}

static bool is_idle(struct fixture *f)
{
    return task_pool_alive(f->tasks) == 0;
}

static int setup(void **state)
{
    if (!redis_server_is_installed())
        return 0; /* *state stays NULL: skipped */

    struct fixture *f = calloc(1, sizeof(*f));
    redis_server_create(&f->redis);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    f->tasks = task_pool_create(10);
    const struct cache_config config = {
        .host = f->redis.socket, .timeout_ms = TIMEOUT_MS, .retry_ms = 20, .open_limit = 8};
    f->cache = cache_open(&f->loop, &config);
    cache_set_space(f->cache, TEXT("word-00000001"), 3);
    wait_until(f, is_up);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f == NULL)
        return 0;
    cache_close(f->cache);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    task_pool_destroy(f->tasks);
    redis_server_destroy(&f->redis);
    free(f);
    return 0;
}

static struct fixture *fixture_of(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* ---- one command in a task ---- */

struct asking {
    struct fixture *f;
    struct cache_command *commands;
    size_t count;
    enum err err;
    int64_t took_ms;
};

static void ask_task(void *arg)
{
    struct asking *asking = arg;
    const int64_t start_ms = clock_mono_ms();
    asking->err = cache_run(asking->f->cache, asking->commands, asking->count);
    asking->took_ms = clock_mono_ms() - start_ms;
}

static struct asking ask(struct fixture *f, struct cache_command *commands, size_t count)
{
    struct asking asking = {.f = f, .commands = commands, .count = count, .err = ERR_INTERNAL};
    assert_int_equal(task_start(f->tasks, ask_task, &asking), ERR_OK);
    wait_until(f, is_idle);
    return asking;
}

static const struct text keys[] = {TEXT("a"), TEXT("b")};
static const struct text value[] = {TEXT("tea\0pot")};

static enum err get(struct fixture *f, struct cache_reply *reply)
{
    struct cache_command command = {.verb = "GET", .keys = keys, .key_count = 1};
    const enum err err = ask(f, &command, 1).err;
    *reply = command.reply;
    return err;
}

/* ---- tests ---- */

static void replies_come_in_every_kind(void **state)
{
    struct fixture *f = fixture_of(state);
    struct cache_command commands[] = {
        {.verb = "SET", .keys = keys, .key_count = 1, .args = value, .arg_count = 1},
        {.verb = "MGET", .keys = keys, .key_count = 2},
        {.verb = "STRLEN", .keys = keys, .key_count = 1},
        {.verb = "GET", .keys = keys + 1, .key_count = 1},
        {.verb = "HGETALL", .keys = keys, .key_count = 1},
    };

    assert_int_equal(ask(f, commands, 5).err, ERR_OK);
    assert_int_equal(commands[0].reply.kind, CACHE_TEXT);
    assert_int_equal(commands[1].reply.kind, CACHE_ARRAY);
    assert_int_equal(commands[1].reply.count, 2);
    assert_true(text_equal(cache_item(&commands[1].reply, 0), value[0]));
    assert_true(commands[1].reply.items[1].is_null);
    assert_int_equal(commands[2].reply.integer, 7);
    assert_int_equal(commands[3].reply.kind, CACHE_NULL);
    assert_int_equal(commands[4].reply.kind, CACHE_FAILED); /* a string is no hash */
    for (int i = 0; i < 5; i++)
        cache_reply_fini(&commands[i].reply);
}

static void another_space_has_other_keys(void **state)
{
    struct fixture *f = fixture_of(state);
    struct cache_command set = {
        .verb = "SET", .keys = keys, .key_count = 1, .args = value, .arg_count = 1};
    struct cache_reply reply;

    assert_int_equal(ask(f, &set, 1).err, ERR_OK);
    cache_reply_fini(&set.reply);
    cache_set_space(f->cache, TEXT("word-00000001"), 4);
    assert_int_equal(get(f, &reply), ERR_OK);
    assert_int_equal(reply.kind, CACHE_NULL);
    cache_reply_fini(&reply);
}

static void more_than_the_limit_at_once_is_refused(void **state)
{
    struct fixture *f = fixture_of(state);
    struct cache_command commands[9];

    for (int i = 0; i < 9; i++)
        commands[i] = (struct cache_command){.verb = "GET", .keys = keys, .key_count = 1};
    assert_int_equal(ask(f, commands, 9).err, ERR_UNAVAILABLE);
    assert_int_equal(counter_value(COUNTER_CACHE_SKIPPED), 9);
    assert_int_equal(ask(f, commands, 8).err, ERR_OK);
}

static int scripts_ok, scripts_failed;

static void on_script(void *context, enum err err)
{
    *(err == ERR_OK ? &scripts_ok : &scripts_failed) += 1;
}

static bool have_four_answered(struct fixture *f)
{
    return scripts_ok + scripts_failed == 4;
}

static bool have_five_answered(struct fixture *f)
{
    return scripts_ok + scripts_failed == 5;
}

static void a_script_runs_also_when_redis_forgot_it(void **state)
{
    static struct cache_script store = {.lua = "return redis.call('SET', KEYS[1], ARGV[1])"};
    static struct cache_script wrong = {.lua = "return redis.call('HGETALL', KEYS[1])"};
    struct fixture *f = fixture_of(state);
    static const struct text flush = TEXT("FLUSH");
    struct cache_command forget = {.verb = "SCRIPT", .args = &flush, .arg_count = 1};
    struct cache_reply reply;

    cache_eval(f->cache, &store, keys, 1, value, 1, on_script, NULL);
    cache_eval(f->cache, &store, keys, 1, value, 1, on_script, NULL);
    assert_int_equal(scripts_ok, 0); /* never from inside the call */
    assert_int_equal(ask(f, &forget, 1).err, ERR_OK);
    cache_reply_fini(&forget.reply);
    cache_eval(f->cache, &store, keys, 1, value, 1, on_script, NULL);
    cache_eval(f->cache, &store, keys, 1, value, 1, NULL, NULL);
    cache_eval(f->cache, &wrong, keys, 1, NULL, 0, on_script, NULL);
    wait_until(f, have_four_answered);
    assert_int_equal(scripts_ok, 3);

    redis_server_stop(&f->redis);
    wait_until(f, is_down);
    cache_eval(f->cache, &store, keys, 1, value, 1, on_script, NULL);
    wait_until(f, have_five_answered);
    assert_int_equal(scripts_ok, 3);
    assert_int_equal(get(f, &reply), ERR_UNAVAILABLE);
}

static void a_hanging_redis_costs_its_timeout_once(void **state)
{
    struct fixture *f = fixture_of(state);
    struct cache_command command = {.verb = "GET", .keys = keys, .key_count = 1};
    struct cache_reply reply;

    kill(f->redis.pid, SIGSTOP);
    struct asking first = ask(f, &command, 1);
    assert_int_equal(first.err, ERR_UNAVAILABLE);
    assert_in_range(first.took_ms, TIMEOUT_MS - 5, TIMEOUT_MS * 10);
    struct asking second = ask(f, &command, 1);
    assert_int_equal(second.err, ERR_UNAVAILABLE);
    assert_in_range(second.took_ms, 0, TIMEOUT_MS - 10);

    kill(f->redis.pid, SIGCONT);
    wait_until(f, is_up);
    assert_int_equal(get(f, &reply), ERR_OK);
    cache_reply_fini(&reply);
}

static void a_redis_that_died_is_found_again(void **state)
{
    struct fixture *f = fixture_of(state);
    struct cache_reply reply;

    redis_server_stop(&f->redis);
    wait_until(f, is_down);
    assert_int_equal(get(f, &reply), ERR_UNAVAILABLE);
    redis_server_start(&f->redis);
    wait_until(f, is_up);
    assert_int_equal(get(f, &reply), ERR_OK);
    assert_int_equal(reply.kind, CACHE_NULL);
    cache_reply_fini(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replies_come_in_every_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(another_space_has_other_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_the_limit_at_once_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_script_runs_also_when_redis_forgot_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hanging_redis_costs_its_timeout_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_redis_that_died_is_found_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
