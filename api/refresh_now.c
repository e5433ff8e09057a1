#include "api/refresh_now.h"

#include "api/settings.h"
#include "api/task.h"

static const struct db_statement raise_generation = {
    "raise_generation", "UPDATE public.installation SET cache_generation = cache_generation + 1"};

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

enum err refresh_now(struct worker *worker, struct refresh *refresh)
{
    struct waiting waiting = {.task = task_self()};

    refresh_send(refresh, worker->cache, worker->app->settings->redis.ttl_s * 1000, on_refreshed, &waiting);
    if (!waiting.is_done) {
        waiting.is_suspended = true;
        task_wait();
    }
    if (waiting.err == ERR_OK)
        return ERR_OK;

    struct db_query query = {.statement = &raise_generation, .lane = DB_NO_LANE};
    const enum err err = db_ask(worker->db, &query);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
