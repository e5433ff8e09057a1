#include "api/store/refresh_now.h"

#include "api/settings.h"
#include "api/task.h"

#define HOLD_MS 10000 /* longer than an UPDATE of one row may be under way */

static const struct db_statement raise_generation = {
    "raise_generation", "UPDATE public.installation SET cache_generation = cache_generation + 1"};

/* Of a generation that was raised before our commit others may have filled what is old by now. */
static const struct db_statement check_generation = {
    "check_generation", "SELECT 1 FROM public.installation WHERE cache_generation = $1::bigint"};

/* The answer may come at once or later. */
struct waiting {
    struct task *task;
    bool is_done, is_suspended;
    enum err err;
};

static void on_refreshed(void *context, enum err err)
{
    struct waiting *waiting = context;

    waiting->is_done = true;
    waiting->err = err;
    if (waiting->is_suspended)
        task_resume(waiting->task);
}

static enum err check(struct worker *worker, int64_t generation, bool *is_current)
{
    struct db_query query = {.statement = &check_generation, .lane = DB_NO_LANE};

    db_add_i64(&query.params, generation);
    const enum err err = db_ask(worker->db, &query);
    *is_current = err == ERR_OK && db_count(&query.rows) == 1;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

static enum err raise_it(struct worker *worker)
{
    struct db_query query = {.statement = &raise_generation, .lane = DB_NO_LANE};
    const enum err err = db_ask(worker->db, &query);

    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

enum err refresh_prepare(struct worker *worker, const char *what, int64_t id)
{
    struct buf key = {0};

    cache_key(&key, what, id);
    const enum err err = cache_hold(worker->cache, buf_text(&key), HOLD_MS);
    buf_fini(&key);
    return err == ERR_OK ? ERR_OK : raise_it(worker); /* Redis may come back with what it had */
}

enum err refresh_now(struct worker *worker, struct refresh *refresh)
{
    const int64_t generation = cache_generation(worker->cache);
    struct waiting waiting = {.task = task_self()};
    bool is_current = false;

    refresh_send(refresh, worker->cache, worker->app->settings->redis.ttl_s * 1000, on_refreshed, &waiting);
    if (!waiting.is_done) {
        waiting.is_suspended = true;
        task_wait();
    }
    const enum err err = waiting.err == ERR_OK ? check(worker, generation, &is_current) : ERR_OK;
    if (err != ERR_OK || is_current)
        return err;

    return raise_it(worker);
}
