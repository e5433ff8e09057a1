/* Streams of the operator's channels, against a real Redis (skipped where redis-server is not installed). */
#include "api/store/streams.h"
#include "api/task.h"
#include "base/clock.h"
#include "base/id.h"
#include "tests/unit/redis_server.h"

#define PATIENCE_MS 5000
#define LIFE_MS     60000

struct fixture {
    struct redis_server redis;
    uv_loop_t loop;
    uv_timer_t tick; /* keeps uv_run() turning */
    struct task_pool *tasks;
    struct cache *streams;
    void (*test)(struct cache *streams);
};

static void on_tick(uv_timer_t *timer)
{
}

static int setup(void **state)
{
    if (!redis_server_is_installed())
        return 0; /* *state stays NULL: skipped */

    struct fixture *f = calloc(1, sizeof(*f));
    redis_server_create(&f->redis);
    signal(SIGPIPE, SIG_IGN);
    id_init();
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->tick);
    uv_timer_start(&f->tick, on_tick, 5, 5);
    f->tasks = task_pool_create(10);
    const struct settings settings = {
        .redis = {.host = f->redis.socket, .retry_ms = 20, .open_max = 100}};
    f->streams = streams_open(&f->loop, &settings);
    for (const int64_t end_ms = clock_mono_ms() + PATIENCE_MS; !cache_is_up(f->streams);) {
        assert_true(clock_mono_ms() < end_ms);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f == NULL)
        return 0;
    cache_close(f->streams);
    uv_close((uv_handle_t *)&f->tick, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    task_pool_destroy(f->tasks);
    redis_server_destroy(&f->redis);
    free(f);
    return 0;
}

static void test_task(void *arg)
{
    struct fixture *f = arg;

    f->test(f->streams);
}

/* Runs the test in a task. */
static void run(void **state, void (*test)(struct cache *streams))
{
    struct fixture *f = *state;

    if (f == NULL)
        skip();
    f->test = test;
    assert_int_equal(task_start(f->tasks, test_task, f), ERR_OK);
    for (const int64_t end_ms = clock_mono_ms() + PATIENCE_MS; task_pool_alive(f->tasks) > 0;) {
        assert_true(clock_mono_ms() < end_ms);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
}

/* ---- short forms ---- */

static struct stream_draft draft(const char *item)
{
    return (struct stream_draft){
        .channel = TEXT("news:go"),
        .item = text(item),
        .size = 3,
        .ttl_ms = LIFE_MS,
        .meta_ttl_ms = LIFE_MS,
        .id = id_random(),
    };
}

static struct stream_place put(struct cache *streams, const struct stream_draft *what)
{
    struct stream_place place;

    CHECK(streams_put(streams, what, &place) == ERR_OK);
    return place;
}

static struct stream_place put_item(struct cache *streams, const char *item)
{
    const struct stream_draft what = draft(item);

    return put(streams, &what);
}

/* "top first: item item", as read. */
static void expect_range(struct cache *streams, struct stream_range range, const char *expected)
{
    struct stream_page page;
    struct buf got = {0};

    range.channel = TEXT("news:go");
    range.meta_ttl_ms = LIFE_MS;
    range.limit = range.limit > 0 ? range.limit : 100;
    range.bytes = range.bytes > 0 ? range.bytes : 1000;
    CHECK(streams_read(streams, &range, &page) == ERR_OK);
    buf_printf(&got, "%llu %llu:", (unsigned long long)page.top, (unsigned long long)page.first);
    for (size_t i = 0; i < page.count; i++)
        buf_printf(&got, " %.*s", TEXT_ARGS(stream_item(&page, i)));
    if (strcmp(buf_cstring(&got), expected) != 0)
        print_error("got \"%s\", not \"%s\"\n", buf_cstring(&got), expected);
    CHECK(text_equal(buf_text(&got), text(expected)));
    buf_fini(&got);
    stream_page_fini(&page);
}

/* ---- tests; CHECK, since cmocka's long jump cannot leave a task ---- */

static void offsets_test(struct cache *streams)
{
    const struct stream_place first = put_item(streams, "a"), second = put_item(streams, "b");

    CHECK(first.verdict == STREAM_PUT && first.offset == 1 && second.offset == 2);
    CHECK(strlen(first.epoch) == 8 && strcmp(first.epoch, second.epoch) == 0);
}

static void offsets_count_up_within_one_epoch(void **state)
{
    run(state, offsets_test);
}

static void range_test(struct cache *streams)
{
    expect_range(streams, (struct stream_range){0}, "0 0:");
    for (const char *item = "abcde"; *item != '\0'; item++)
        put_item(streams, (char[]){*item, '\0'});
    expect_range(streams, (struct stream_range){0}, "5 3: c d e");
    expect_range(streams, (struct stream_range){.has_offset = true, .offset = 3}, "5 4: d e");
    expect_range(streams, (struct stream_range){.has_offset = true, .offset = 1}, "5 3: c d e");
    expect_range(streams, (struct stream_range){.has_offset = true, .offset = 5}, "5 0:");
    expect_range(streams, (struct stream_range){.has_offset = true, .offset = 9}, "5 0:");
    expect_range(streams, (struct stream_range){.limit = 2}, "5 3: c d");
    expect_range(streams, (struct stream_range){.bytes = 1, .limit = 3}, "5 3: c");
    expect_range(streams, (struct stream_range){.reverse = true}, "5 5: e d c");
    expect_range(streams, (struct stream_range){.reverse = true, .limit = 1}, "5 5: e");
    expect_range(streams, (struct stream_range){.reverse = true, .bytes = 2}, "5 5: e d");
    expect_range(streams, (struct stream_range){.reverse = true, .has_offset = true, .offset = 5},
                 "5 4: d c");
    expect_range(streams, (struct stream_range){.reverse = true, .has_offset = true, .offset = 3},
                 "5 0:");
    expect_range(streams, (struct stream_range){.reverse = true, .has_offset = true, .offset = 9},
                 "5 0:");
}

static void the_last_ones_are_kept_and_read_from_either_end(void **state)
{
    run(state, range_test);
}

/* The items themselves say their offsets. */
static void expect_run(struct cache *streams, struct stream_range range, uint64_t first, size_t count)
{
    struct stream_page page;
    char item[16];

    range.channel = TEXT("news:go");
    range.meta_ttl_ms = LIFE_MS;
    CHECK(streams_read(streams, &range, &page) == ERR_OK);
    CHECK(page.first == first && page.count == count);
    for (size_t i = 0; i < count; i++) {
        snprintf(item, sizeof(item), "%zu", (size_t)(range.reverse ? first - i : first + i));
        CHECK(text_equal(stream_item(&page, i), text(item)));
    }
    stream_page_fini(&page);
}

static void long_range_test(struct cache *streams)
{
    struct stream_draft what = draft("");
    char item[16];

    what.size = 100;
    for (int i = 1; i <= 150; i++) {
        snprintf(item, sizeof(item), "%d", i);
        what.item = text(item);
        what.id = id_random();
        put(streams, &what);
    }
    expect_run(streams, (struct stream_range){.limit = 1000, .bytes = 1000}, 51, 100);
    expect_run(streams, (struct stream_range){.limit = 48, .bytes = 1000, .has_offset = true, .offset = 60}, 61, 48);
    expect_run(streams, (struct stream_range){.limit = 1000, .bytes = 1000, .reverse = true}, 150, 100);
    expect_run(streams, (struct stream_range){.limit = 33, .bytes = 1000, .reverse = true}, 150, 33);
    expect_run(streams, (struct stream_range){.limit = 1000, .bytes = 98}, 51, 49); /* of two digits */
}

static void a_long_stream_is_read_as_a_short_one(void **state)
{
    run(state, long_range_test);
}

static void clear_test(struct cache *streams)
{
    const struct stream_place before = put_item(streams, "a");

    CHECK(streams_clear(streams, TEXT("news:go")) == ERR_OK);
    expect_range(streams, (struct stream_range){0}, "1 0:");
    const struct stream_place after = put_item(streams, "b");
    CHECK(after.offset == 2 && strcmp(before.epoch, after.epoch) == 0);
    expect_range(streams, (struct stream_range){0}, "2 2: b");
}

static void what_is_cleared_keeps_its_position(void **state)
{
    run(state, clear_test);
}

static void again_test(struct cache *streams)
{
    const struct stream_draft what = draft("a");
    const struct stream_place first = put(streams, &what);
    put_item(streams, "b");
    const struct stream_place again = put(streams, &what);

    CHECK(again.verdict == STREAM_AGAIN && again.offset == first.offset);
    CHECK(strcmp(again.epoch, first.epoch) == 0);
    expect_range(streams, (struct stream_range){0}, "2 1: a b");
}

static void the_same_question_again_publishes_nothing(void **state)
{
    run(state, again_test);
}

static void key_test(struct cache *streams)
{
    struct stream_draft first = draft("a"), second = draft("b"), past = draft("c");

    first.key = second.key = TEXT("k1");
    first.key_ttl_ms = second.key_ttl_ms = LIFE_MS;
    CHECK(put(streams, &first).verdict == STREAM_PUT);
    const struct stream_place known = put(streams, &second);
    CHECK(known.verdict == STREAM_KNOWN && known.offset == 1);
    expect_range(streams, (struct stream_range){0}, "1 1: a");

    past.size = 0; /* no stream: nothing but the answer is kept */
    past.key = TEXT("k2");
    past.key_ttl_ms = LIFE_MS;
    CHECK(put(streams, &past).verdict == STREAM_PUT && put(streams, &past).verdict == STREAM_AGAIN);
    past.id = id_random();
    const struct stream_place none = put(streams, &past);
    CHECK(none.verdict == STREAM_KNOWN && none.offset == 0 && none.epoch[0] == '\0');
}

static void a_key_gets_the_answer_of_its_first_time(void **state)
{
    run(state, key_test);
}

static enum stream_verdict put_version(struct cache *streams, uint64_t version, const char *epoch)
{
    struct stream_draft what = draft("v");

    what.version = version;
    what.version_epoch = text(epoch);
    return put(streams, &what).verdict;
}

static void version_test(struct cache *streams)
{
    CHECK(put_version(streams, 9, "") == STREAM_PUT);
    CHECK(put_version(streams, 10, "") == STREAM_PUT);
    CHECK(put_version(streams, 10, "") == STREAM_SKIPPED);
    CHECK(put_version(streams, 9, "") == STREAM_SKIPPED);
    CHECK(put_version(streams, 9, "other") == STREAM_PUT);
    CHECK(put_version(streams, 8, "") == STREAM_SKIPPED);
    CHECK(put_version(streams, UINT64_MAX - 1, "other") == STREAM_PUT);
    CHECK(put_version(streams, UINT64_MAX - 1, "other") == STREAM_SKIPPED);
    CHECK(put_version(streams, UINT64_MAX, "other") == STREAM_PUT);
    CHECK(put_version(streams, 0, "") == STREAM_PUT); /* none */
}

static void an_older_version_is_skipped(void **state)
{
    run(state, version_test);
}

/* The API was slow, another one is asked: what was not put must not be published after all. */
static void skipped_again_test(struct cache *streams)
{
    struct stream_draft late = draft("late");

    put_version(streams, 2, "");
    late.version = 1;
    CHECK(put(streams, &late).verdict == STREAM_SKIPPED);
    const struct stream_place again = put(streams, &late);
    CHECK(again.verdict == STREAM_SKIPPED && again.offset == 1);
    late.key = TEXT("k");
    late.key_ttl_ms = LIFE_MS;
    CHECK(put(streams, &late).verdict == STREAM_SKIPPED && put(streams, &late).verdict == STREAM_SKIPPED);
    late.id = id_random();
    CHECK(put(streams, &late).verdict == STREAM_SKIPPED);
    expect_range(streams, (struct stream_range){0}, "1 1: v");
}

static void what_was_skipped_is_skipped_when_it_is_asked_again(void **state)
{
    run(state, skipped_again_test);
}

/* Redis' own clock says when it is over: its commands refresh nothing but what they use. */
static bool is_there(struct cache *streams)
{
    const struct text key = TEXT("m:news:go");
    struct cache_command exists = {.verb = "EXISTS", .keys = &key, .key_count = 1};

    CHECK(cache_run(streams, &exists, 1) == ERR_OK);
    const bool is = exists.reply.integer == 1;
    cache_reply_fini(&exists.reply);
    return is;
}

static void end_test(struct cache *streams)
{
    struct stream_draft brief = draft("a");

    brief.meta_ttl_ms = 1;
    brief.ttl_ms = LIFE_MS; /* what is left of it does not come back */
    const struct stream_place before = put(streams, &brief);
    while (is_there(streams)) {
    }
    const struct stream_place after = put_item(streams, "b");
    CHECK(after.offset == 1 && strcmp(before.epoch, after.epoch) != 0);
    expect_range(streams, (struct stream_range){0}, "1 1: b");
}

static void a_stream_that_nobody_used_begins_anew(void **state)
{
    run(state, end_test);
}

/* As a Redis that was started again with a snapshot: all is there, of another run. */
static void other_run_test(struct cache *streams)
{
    const struct stream_draft what = draft("a");
    const struct stream_place before = put(streams, &what);
    const struct text key = TEXT("m:news:go"), field[] = {TEXT("run"), TEXT("0123")};
    struct cache_command set = {.verb = "HSET", .keys = &key, .key_count = 1, .args = field, .arg_count = 2};

    CHECK(put_item(streams, "b").offset == 2);
    CHECK(cache_run_id(streams).len == 40);
    CHECK(cache_run(streams, &set, 1) == ERR_OK);
    cache_reply_fini(&set.reply);
    const struct stream_place after = put_item(streams, "c");
    CHECK(after.offset == 1 && strcmp(before.epoch, after.epoch) != 0);
    expect_range(streams, (struct stream_range){0}, "1 1: c");
    const struct stream_place again = put(streams, &what); /* where it was put, nobody will look */
    CHECK(again.verdict == STREAM_PUT && again.offset == 2 && strcmp(again.epoch, after.epoch) == 0);
}

static void a_stream_of_another_run_of_redis_begins_anew(void **state)
{
    run(state, other_run_test);
}

static void tops_test(struct cache *streams)
{
    struct stream_top tops[] = {
        {.channel = TEXT("news:go"), .meta_ttl_ms = LIFE_MS},
        {.channel = TEXT("news:c"), .meta_ttl_ms = LIFE_MS},
    };

    put_item(streams, "a");
    CHECK(streams_tops(streams, tops, 2) == ERR_OK);
    CHECK(tops[0].offset == 1 && tops[1].offset == 0);
    CHECK(strlen(tops[1].epoch) == 8);
    const struct stream_top before = tops[1];
    CHECK(streams_tops(streams, tops, 2) == ERR_OK);
    CHECK(strcmp(before.epoch, tops[1].epoch) == 0);
    CHECK(streams_tops(streams, tops, 0) == ERR_OK);
}

static void the_tops_of_many_are_told_at_once(void **state)
{
    run(state, tops_test);
}

static void foreign_test(struct cache *streams)
{
    const struct text key = TEXT("m:news:go"), value = TEXT("what is this");
    struct cache_command set = {.verb = "SET", .keys = &key, .key_count = 1, .args = &value, .arg_count = 1};
    const struct stream_draft what = draft("a");
    struct stream_place place;

    CHECK(cache_run(streams, &set, 1) == ERR_OK);
    cache_reply_fini(&set.reply);
    CHECK(streams_put(streams, &what, &place) == ERR_UNAVAILABLE);
}

static void what_is_no_stream_is_an_error(void **state)
{
    run(state, foreign_test);
}

#define STREAMS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAMS_TEST(offsets_count_up_within_one_epoch),
        STREAMS_TEST(the_last_ones_are_kept_and_read_from_either_end),
        STREAMS_TEST(a_long_stream_is_read_as_a_short_one),
        STREAMS_TEST(what_is_cleared_keeps_its_position),
        STREAMS_TEST(the_same_question_again_publishes_nothing),
        STREAMS_TEST(a_key_gets_the_answer_of_its_first_time),
        STREAMS_TEST(an_older_version_is_skipped),
        STREAMS_TEST(what_was_skipped_is_skipped_when_it_is_asked_again),
        STREAMS_TEST(a_stream_that_nobody_used_begins_anew),
        STREAMS_TEST(a_stream_of_another_run_of_redis_begins_anew),
        STREAMS_TEST(the_tops_of_many_are_told_at_once),
        STREAMS_TEST(what_is_no_stream_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
