/*
 * The breaker: DOWN -> (retry_ms) -> PROBING: connect, PING -> answered: UP -> a command without an
 * answer for timeout_ms, or the connection ends -> DOWN, everything open fails. Redis answers in
 * order, so one timer watches the oldest open command.
 *
 * hiredis calls back while it is in the midst of its own work, possibly from inside a task (a flush
 * that fails): on_reply() only moves the command to `finished`; finish_all() wakes the callers from
 * the loop.
 */
#include "api/store/cache.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/counters.h"
#include "api/store/cache_link.h"
#include "api/store/cache_reply.h"
#include "api/task.h"
#include "base/clock.h"
#include "base/log.h"

#define RUN_ID_MAX 40

enum state { CACHE_DOWN, CACHE_PROBING, CACHE_UP, CACHE_CLOSING };

struct run { /* one cache_run(); lives on its task's stack */
    struct task *task;
    size_t left;
};

struct op {
    struct op *next;
    struct cache *cache;
    enum op_kind { OP_PROBE, OP_COMMAND, OP_SCRIPT } kind;
    int64_t sent_at_ms;
    enum err err;

    struct run *run; /* OP_COMMAND */
    struct cache_command *command;

    void (*done)(void *context, enum err err); /* OP_SCRIPT */
    void *context;
    struct cache_reply *reply; /* what it returned goes there; NULL: nowhere */
    struct buf whole; /* the same as EVAL, for a Redis that does not know the script yet; empty once
                         sent */
};

struct ops {
    struct op *first, **last;
    size_t count;
};

struct cache {
    uv_loop_t *loop;
    struct cache_config config;
    enum state state;
    bool complained; /* that it is down was logged */
    char run_id[RUN_ID_MAX + 1];
    struct cache_link *link;
    struct buf prefix; /* "parley:epoch:1:"; empty = none */
    int64_t generation;
    struct buf scratch;
    uv_timer_t retry;
    uv_timer_t timeout;
    uv_timer_t soon; /* 0 ms: finish_all() from the loop */
    int open_handles;
    struct ops open;     /* in the order of their answers */
    struct ops finished; /* their callers do not know yet */
};

static void retry_later(struct cache *cache);
static void drop_connection(struct cache *cache, const char *why);

/* ---- lists ---- */

static void ops_init(struct ops *ops)
{
    *ops = (struct ops){.last = &ops->first};
}

static void ops_add(struct ops *ops, struct op *op)
{
    op->next = NULL;
    *ops->last = op;
    ops->last = &op->next;
    ops->count++;
}

static struct op *ops_take(struct ops *ops)
{
    struct op *op = ops->first;
    if (op == NULL)
        return NULL;
    if ((ops->first = op->next) == NULL)
        ops->last = &ops->first;
    ops->count--;
    return op;
}

/* ---- Redis' protocol ---- */

static void add_bulk(struct buf *out, struct text prefix, struct text value)
{
    buf_add_byte(out, '$');
    buf_add_i64(out, (int64_t)(prefix.len + value.len));
    buf_add(out, "\r\n", 2);
    buf_add_text(out, prefix);
    buf_add_text(out, value);
    buf_add(out, "\r\n", 2);
}

static void begin_command(struct buf *out, size_t words)
{
    buf_add_byte(out, '*');
    buf_add_i64(out, (int64_t)words);
    buf_add(out, "\r\n", 2);
}

static void add_words(struct text prefix, struct buf *out, const struct text *keys,
                      size_t key_count, const struct text *args, size_t arg_count)
{
    for (size_t i = 0; i < key_count; i++)
        add_bulk(out, prefix, keys[i]);
    for (size_t i = 0; i < arg_count; i++)
        add_bulk(out, (struct text){0}, args[i]);
}

/* ---- answers ---- */

static void finish_probe(struct cache *cache, struct op *op)
{
    if (op->err != ERR_OK) {
        if (cache->state == CACHE_PROBING)
            drop_connection(cache, "the probe is refused");
    } else if (cache->state == CACHE_PROBING) {
        cache->state = CACHE_UP;
        log_info("redis: up");
        cache->complained = false;
    }
    free(op);
}

static void finish(struct op *op)
{
    if (op->kind == OP_PROBE) {
        finish_probe(op->cache, op);
    } else if (op->kind == OP_SCRIPT) {
        if (op->done != NULL)
            op->done(op->context, op->err);
        buf_fini(&op->whole);
        free(op);
    } else {
        op->command->err = op->err;
        if (--op->run->left == 0)
            task_resume(op->run->task); /* frees the run's ops: never touch `op` after this */
    }
}

static void finish_all(void *context)
{
    struct cache *cache = context;
    for (struct op *op; (op = ops_take(&cache->finished)) != NULL;)
        finish(op);
}

static void on_soon(uv_timer_t *timer)
{
    finish_all(timer->data);
}

/* For what fails inside of a caller's call. */
static void fail_soon(struct cache *cache, struct op *op)
{
    op->err = ERR_UNAVAILABLE;
    ops_add(&cache->finished, op);
    uv_timer_start(&cache->soon, on_soon, 0, 0);
}

static void on_timeout(uv_timer_t *timer)
{
    struct cache *cache = timer->data;
    struct op *oldest = cache->open.first;
    const int timeout_ms = cache->config.timeout_ms;

    /* perhaps the loop was late, not Redis: read on as long as that helps */
    while (oldest != NULL && clock_mono_ms() - oldest->sent_at_ms >= timeout_ms) {
        const bool has_read = cache_link_read(cache->link);
        if (cache->open.first == oldest && !has_read) {
            drop_connection(cache, "no answer in time");
            break;
        }
        oldest = cache->open.first;
    }
    if (cache->open.first != NULL) {
        const int64_t left_ms = cache->open.first->sent_at_ms + timeout_ms - clock_mono_ms();
        uv_timer_start(timer, on_timeout, left_ms > 0 ? (uint64_t)left_ms : 1, 0);
    }
    finish_all(cache);
}

static void on_reply(redisAsyncContext *redis, void *reply_of_redis, void *context);

static void send_op(struct cache *cache, struct op *op, struct text command)
{
    op->sent_at_ms = clock_mono_ms();
    ops_add(&cache->open, op);
    if (cache->open.count == 1)
        uv_timer_start(&cache->timeout, on_timeout, (uint64_t)cache->config.timeout_ms, 0);
    cache_link_send(cache->link, command, on_reply, op);
}

static bool is_unknown_script(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           text_starts(text_of(reply->str, (size_t)reply->len), TEXT("NOSCRIPT"));
}

/* Out of INFO: "...\r\nrun_id:0123...\r\n...". */
static void note_run(struct cache *cache, const redisReply *reply)
{
    static const char mark[] = "\nrun_id:";
    const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, mark) : NULL;

    snprintf(cache->run_id, sizeof(cache->run_id), "%.*s",
             at != NULL ? (int)strspn(at + strlen(mark), "0123456789abcdef") : 0,
             at != NULL ? at + strlen(mark) : "");
}

static void on_reply(redisAsyncContext *redis, void *reply_of_redis, void *context)
{
    struct cache_reply_object *object = reply_of_redis;
    const redisReply *reply = object != NULL ? &object->head : NULL;
    struct op *op = context;
    struct cache *cache = op->cache;

    CHECK(ops_take(&cache->open) == op);
    if (reply != NULL && op->kind == OP_SCRIPT && op->whole.len > 0 && is_unknown_script(reply)) {
        struct buf whole = op->whole;
        op->whole = (struct buf){0};
        send_op(cache, op, buf_text(&whole));
        buf_fini(&whole);
        return;
    }
    op->err = reply == NULL ? ERR_UNAVAILABLE : ERR_OK;
    if (op->kind == OP_COMMAND && reply != NULL)
        op->command->reply = cache_reply_take(object);
    else if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        op->err = ERR_UNAVAILABLE;
    else if (reply != NULL && op->kind == OP_PROBE && cache->config.ask_run)
        note_run(cache, reply);
    else if (reply != NULL && op->reply != NULL)
        *op->reply = cache_reply_take(object);
    ops_add(&cache->finished, op);
    if (reply == NULL) /* otherwise the link's turn ends with finish_all() */
        uv_timer_start(&cache->soon, on_soon, 0, 0);
}

/* ---- the breaker ---- */

static void send_probe(struct cache *cache)
{
    static const struct text ping = TEXT("*1\r\n$4\r\nPING\r\n");
    static const struct text info = TEXT("*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n");
    struct buf *command = &cache->scratch;

    if (cache->config.password != NULL) {
        struct op *auth = xcalloc(1, sizeof(*auth));
        *auth = (struct op){.cache = cache, .kind = OP_SCRIPT}; /* a reply that nobody waits for */
        buf_reset(command);
        begin_command(command, 2);
        add_bulk(command, (struct text){0}, TEXT("AUTH"));
        add_bulk(command, (struct text){0}, text(cache->config.password));
        send_op(cache, auth, buf_text(command));
    }
    struct op *probe = xcalloc(1, sizeof(*probe));
    *probe = (struct op){.cache = cache, .kind = OP_PROBE};
    send_op(cache, probe, cache->config.ask_run ? info : ping);
}

static void on_link_lost(void *context)
{
    struct cache *cache = context;
    cache->link = NULL;
    retry_later(cache);
}

static void on_retry(uv_timer_t *timer)
{
    struct cache *cache = timer->data;
    const struct cache_link_config config = {.host = cache->config.host,
                                             .port = cache->config.port,
                                             .on_lost = on_link_lost,
                                             .on_turn = finish_all,
                                             .context = cache};

    if (cache_link_open(&cache->link, cache->loop, &config) != ERR_OK) {
        cache->link = NULL;
        retry_later(cache);
        return;
    }
    cache->state = CACHE_PROBING;
    send_probe(cache);
}

/* Only notes and timers: also called from inside hiredis. */
static void retry_later(struct cache *cache)
{
    if (!cache->complained)
        log_warn("redis: down, going on without it");
    cache->complained = true;
    cache->state = CACHE_DOWN;
    uv_timer_start(&cache->retry, on_retry, (uint64_t)cache->config.retry_ms, 0);
}

static void drop_connection(struct cache *cache, const char *why)
{
    struct cache_link *link = cache->link;

    if (!cache->complained)
        log_warn("redis: %s", why);
    cache->link = NULL;
    retry_later(cache);
    if (link != NULL)
        cache_link_close(link); /* all that is open gets its NULL reply */
}

struct cache *cache_open(uv_loop_t *loop, const struct cache_config *config)
{
    struct cache *cache = xcalloc(1, sizeof(*cache));

    cache->loop = loop;
    cache->config = *config;
    /* clock and timers count whole milliseconds and may be one late: the promise includes it */
    if (cache->config.timeout_ms > 1)
        cache->config.timeout_ms--;
    ops_init(&cache->open);
    ops_init(&cache->finished);
    uv_timer_t *timers[] = {&cache->retry, &cache->timeout, &cache->soon};
    for (size_t i = 0; i < ARRAY_COUNT(timers); i++) {
        uv_timer_init(loop, timers[i]);
        timers[i]->data = cache;
        cache->open_handles++;
    }
    uv_timer_start(&cache->retry, on_retry, 0, 0);
    return cache;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct cache *cache = handle->data;
    if (--cache->open_handles > 0)
        return;
    buf_fini(&cache->prefix);
    buf_fini(&cache->scratch);
    free(cache);
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    cache->complained = true; /* no word of what we do ourselves */
    drop_connection(cache, "");
    cache->state = CACHE_CLOSING;
    finish_all(cache);
    uv_close((uv_handle_t *)&cache->retry, on_handle_closed);
    uv_close((uv_handle_t *)&cache->timeout, on_handle_closed);
    uv_close((uv_handle_t *)&cache->soon, on_handle_closed);
}

bool cache_is_up(const struct cache *cache)
{
    return cache->state == CACHE_UP;
}

struct text cache_run_id(const struct cache *cache)
{
    return cache->state == CACHE_UP ? text(cache->run_id) : (struct text){0};
}

void cache_set_space(struct cache *cache, struct text epoch, int64_t generation)
{
    buf_reset(&cache->prefix);
    cache->generation = epoch.len > 0 ? generation : 0;
    if (epoch.len == 0)
        return;
    buf_printf(&cache->prefix, "parley:%.*s:%lld:", TEXT_ARGS(epoch), (long long)generation);
}

int64_t cache_generation(const struct cache *cache)
{
    return cache->generation;
}

static bool may_send(const struct cache *cache, struct text prefix, size_t count)
{
    if (cache->state != CACHE_UP || prefix.len == 0)
        return false;
    if (cache->open.count + count <= cache->config.open_limit)
        return true;
    counter_add(COUNTER_CACHE_SKIPPED, count);
    return false;
}

/* ---- commands ---- */

static enum err refuse_all(struct cache_command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        commands[i].err = ERR_UNAVAILABLE;
    return ERR_UNAVAILABLE;
}

enum err cache_run(struct cache *cache, struct cache_command *commands, size_t count)
{
    struct run run = {.task = task_self(), .left = count};
    enum err err = ERR_OK;

    CHECK(run.task != NULL);
    for (size_t i = 0; i < count; i++)
        commands[i].reply = (struct cache_reply){0};
    if (count == 0)
        return ERR_OK;
    const struct text prefix = buf_text(&cache->prefix);
    if (!may_send(cache, prefix, count))
        return refuse_all(commands, count);

    struct op *ops = xcalloc(count, sizeof(*ops));
    struct buf *out = &cache->scratch;
    for (size_t i = 0; i < count; i++) {
        struct cache_command *command = &commands[i];
        ops[i] = (struct op){.cache = cache, .kind = OP_COMMAND, .run = &run, .command = command};
        buf_reset(out);
        begin_command(out, 1 + command->key_count + command->arg_count);
        add_bulk(out, (struct text){0}, text(command->verb));
        add_words(prefix, out, command->keys, command->key_count, command->args, command->arg_count);
        send_op(cache, &ops[i], buf_text(out));
    }
    task_wait();
    free(ops);

    for (size_t i = 0; i < count; i++)
        if (commands[i].err != ERR_OK)
            err = commands[i].err;
    return err;
}

/* ---- scripts ---- */

/* Scripts are constants that all loops share: the first to come computes. */
static struct text sha_of(struct cache_script *script)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    unsigned char digest[SHA_DIGEST_LENGTH];

    pthread_mutex_lock(&lock);
    if (script->sha[0] == '\0') {
        SHA1((const unsigned char *)script->lua, strlen(script->lua), digest);
        for (size_t i = 0; i < sizeof(digest); i++)
            snprintf(script->sha + 2 * i, 3, "%02x", digest[i]);
    }
    pthread_mutex_unlock(&lock);
    return text_of(script->sha, 2 * SHA_DIGEST_LENGTH);
}

static void add_script(struct text prefix, struct buf *out, const char *verb, struct text script,
                       const struct text *keys, size_t key_count, const struct text *args,
                       size_t arg_count)
{
    char digits[24];
    const int len = snprintf(digits, sizeof(digits), "%zu", key_count);

    begin_command(out, 3 + key_count + arg_count);
    add_bulk(out, (struct text){0}, text(verb));
    add_bulk(out, (struct text){0}, script);
    add_bulk(out, (struct text){0}, text_of(digits, (size_t)len));
    add_words(prefix, out, keys, key_count, args, arg_count);
}

static void eval(struct op *op, struct cache_script *script, const struct text *keys,
                 size_t key_count, const struct text *args, size_t arg_count)
{
    struct cache *cache = op->cache;

    const struct text prefix = script->space != NULL ? text(script->space) : buf_text(&cache->prefix);

    if (!may_send(cache, prefix, 1)) {
        fail_soon(cache, op);
        return;
    }
    add_script(prefix, &op->whole, "EVAL", text(script->lua), keys, key_count, args, arg_count);
    buf_reset(&cache->scratch);
    add_script(prefix, &cache->scratch, "EVALSHA", sha_of(script), keys, key_count, args, arg_count);
    send_op(cache, op, buf_text(&cache->scratch));
    cache_link_flush(cache->link);
}

void cache_eval(struct cache *cache, struct cache_script *script, const struct text *keys,
                size_t key_count, const struct text *args, size_t arg_count,
                void (*done)(void *context, enum err err), void *context)
{
    struct op *op = xcalloc(1, sizeof(*op));

    *op = (struct op){.cache = cache, .kind = OP_SCRIPT, .done = done, .context = context};
    eval(op, script, keys, key_count, args, arg_count);
}

struct called { /* one cache_call(); lives on its task's stack */
    struct task *task;
    enum err err;
};

static void on_called(void *context, enum err err)
{
    struct called *called = context;

    called->err = err;
    task_resume(called->task);
}

enum err cache_call(struct cache *cache, struct cache_script *script, const struct text *keys,
                    size_t key_count, const struct text *args, size_t arg_count,
                    struct cache_reply *reply)
{
    struct called called = {.task = task_self()};
    struct op *op = xcalloc(1, sizeof(*op));

    CHECK(called.task != NULL);
    *reply = (struct cache_reply){0};
    *op = (struct op){.cache = cache,
                      .kind = OP_SCRIPT,
                      .done = on_called,
                      .context = &called,
                      .reply = reply};
    eval(op, script, keys, key_count, args, arg_count);
    task_wait();
    return called.err;
}
