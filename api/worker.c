#include "api/worker.h"

#include "api/flights.h"
#include "api/questions/fleet.h"
#include "api/questions/statuses.h"
#include "api/request/call_state.h"
#include "api/settings.h"
#include "api/store/streams.h"
#include "api/turns.h"

#define SEARCHES_IN_LINE 20 /* that one connection may have to finish before one that was asked just now */
#define POSTS_MAX_SPARE 4096 /* beside those of tasks: what watchers and writers post */

static void on_job(void *context, void *item)
{
    struct job *job = item;
    job->run(job);
}

bool worker_post(struct worker *worker, struct job *job)
{
    return mailbox_post(worker->mailbox, job);
}

static struct db *open_db(struct worker *worker, const struct settings *settings)
{
    /* Compiling costs a search ten times what it takes; nothing here reads so much that it would pay. */
    static const char *const setup[] = {"SET jit = off", NULL};
    const struct db_conn_config config = {
        .conninfo = settings->db.url,
        .setup = setup,
        .connect_timeout_ms = (int)settings->db.connect_timeout_ms,
        .statement_timeout_ms = (int)settings->db.statement_timeout_ms};
    return db_open(&worker->loop, &config, (int)settings->db.connections,
                   (size_t)settings->db.open_max);
}

/* Statements end when search.timeout_ms is over; the connection only when the server does not say so. */
static struct db *open_search(struct worker *worker, const struct settings *settings, int connections)
{
    const struct app *app = worker->app;
    const struct db_conn_config config = {.conninfo = settings->db.url,
                                          .setup = app->search_setup,
                                          .connect_timeout_ms = (int)settings->db.connect_timeout_ms,
                                          .statement_timeout_ms = SEARCHES_IN_LINE * (int)settings->search.timeout_ms};
    return db_open(&worker->loop, &config, connections, (size_t)settings->search.open_max);
}

static struct cache *open_cache(struct worker *worker, const struct settings *settings)
{
    const struct cache_config config = {.host = settings->redis.host,
                                        .port = (int)settings->redis.port,
                                        .password = settings->redis.password,
                                        .timeout_ms = (int)settings->redis.timeout_ms,
                                        .retry_ms = (int)settings->redis.retry_ms,
                                        .open_limit = (size_t)settings->redis.open_max};
    return cache_open(&worker->loop, &config);
}

void worker_open(struct worker *worker, struct app *app, int index)
{
    const struct settings *settings = app->settings;
    /* a task waits for one thing at a time, so for each there is at most one job on its way there
     * and one back */
    const size_t posts_max =
        2 * (size_t)settings->api.tasks_max * (size_t)settings->api.threads + POSTS_MAX_SPARE;

    worker->app = app;
    worker->index = index;
    CHECK(uv_loop_init(&worker->loop) == 0);
    worker->mailbox = mailbox_open(&worker->loop, posts_max, on_job, worker);
    worker->tasks = task_pool_create((size_t)settings->api.tasks_max);
    worker->deadlines = deadlines_open(&worker->loop, settings->api.deadline_ms, call_on_late);
    worker->db = open_db(worker, settings);
    worker->search = open_search(worker, settings, (int)settings->search.connections);
    worker->cache = open_cache(worker, settings);
    worker->flights = flights_open(&worker->loop);
    worker->searches = turns_open(&worker->loop);
    if (index > 0)
        return;
    worker->search_index = open_search(worker, settings, 1);
    worker->streams = streams_open(&worker->loop, settings);
    worker->fleet = fleet_open(&worker->loop);
    worker->statuses = statuses_open(worker);
}

enum err worker_listen(struct worker *worker, h2o_globalconf_t *http, int port)
{
    const struct settings *settings = worker->app->settings;
    const struct listener_config config = {.host = settings->http.host,
                                           .port = port,
                                           .connection_limit =
                                               (size_t)settings->http.connection_limit,
                                           .http = http,
                                           .joins = worker->index > 0};
    return listener_open(&worker->listener, &worker->loop, &config);
}

void worker_run(struct worker *worker)
{
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&worker->loop) == 0); /* else something was left open */
    task_pool_destroy(worker->tasks);
}

void worker_close(struct worker *worker)
{
    listener_close(worker->listener);
    db_close(worker->db);
    db_close(worker->search);
    db_close(worker->search_index);
    cache_close(worker->cache);
    cache_close(worker->streams);
    flights_close(worker->flights);
    turns_close(worker->searches);
    fleet_close(worker->fleet);
    statuses_close(worker->statuses);
    deadlines_close(worker->deadlines);
    mailbox_close(worker->mailbox);
}
