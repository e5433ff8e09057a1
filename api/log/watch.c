/*
 * One tick: (raise the generation, if asked), read the news, read newly ended sessions and new bans, all in one round trip. After the first news, and every
 * other time: a task that finishes the outbox of dead incarnations, and one that clears deleted rooms. Several living APIs may do so at once: repeats are harmless.
 */
#include "api/log/watch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/log/announce.h"
#include "api/log/clear.h"
#include "api/ended.h"
#include "api/log/outbox.h"
#include "api/log/room_log.h"
#include "api/log/search_index.h"
#include "api/model/ban.h"
#include "api/settings.h"
#include "base/clock.h"
#include "base/inbox.h"
#include "base/log.h"

#define TICK_MS 400       /* revocation reaches every process within 1 s */
#define TICKS_TO_REDO 2    /* what a dead API owes is done within 1 s of its death */
#define TICKS_TO_PRUNE 150 /* a minute */
#define RAISES_MAX 4096   /* writers that wait for a raise: at most one request per lane */

#define ENDED_PAGE 1000 /* ended sessions read at once */
#define ENDED_PAGE_TEXT "1000"
#define BANS_PAGE 1000 /* bans read at once */

static void on_tick(uv_timer_t *timer);

static const struct db_statement hold_lock = {"hold_lock", "SELECT pg_try_advisory_lock($1::bigint)"};

static const struct db_statement raise_generation = {
    "watch_raise", "UPDATE public.installation SET cache_generation = cache_generation + 1 WHERE $1::boolean"};

static const struct db_statement select_news = {
    "select_news", "SELECT cache_generation, (SELECT count(*) FROM public.lanes), last_ban FROM public.installation"};

static const struct db_statement select_newly_ended = {
    "select_newly_ended",
    "SELECT number, session_id, user_id FROM public.ended_sessions WHERE number > $1::bigint ORDER BY number LIMIT " ENDED_PAGE_TEXT};

static const struct db_statement prune_ended = {
    "prune_ended", "DELETE FROM public.ended_sessions WHERE $2::boolean AND ended_at < now() - $1::bigint * interval '1 second'"};

enum { Q_LOCK, Q_RAISE, Q_NEWS, Q_ENDED, Q_PRUNE, Q_BANS, Q_PRUNE_BANS, Q_COUNT };

/* Somebody who waits for the generation to be raised. */
struct raise {
    struct worker *worker;
    struct job *raised;
};

struct watch {
    struct worker *worker;
    int64_t incarnation;
    struct db_conn *conn;
    uv_timer_t timer;
    struct db_query queries[Q_COUNT];
    bool asking;
    bool redo_running, clear_running, index_running;
    bool language_is_known; /* to what is read for search */
    int64_t index_most;     /* messages that are read for it at once */
    bool stopping;
    void (*on_closed)(void *context); /* set when it is `stopping` */
    void *closed_context;
    unsigned ticks_to_redo;
    unsigned ticks;
    int64_t generation; /* last told to the caches; 0: none */
    int64_t last_ban;   /* gateways were told up to this one; -1: before the first news */
    struct announcer *announcer;
    struct inbox *raises;    /* of struct raise, from any thread */
    struct raise **covered;  /* those that the question under way answers */
    size_t covered_count;
    int64_t asked_ms;        /* when the question under way was sent */
    uv_mutex_t lock;         /* guards `epoch`, `news_…` */
    char epoch[64];
    int64_t news_generation, news_asked_ms; /* of the latest news */
    atomic_bool is_ready;
};

bool watch_epoch(struct watch *watch, char out[64])
{
    uv_mutex_lock(&watch->lock);
    memcpy(out, watch->epoch, sizeof(watch->epoch));
    uv_mutex_unlock(&watch->lock);
    return out[0] != '\0';
}

bool watch_is_ready(struct watch *watch)
{
    return atomic_load(&watch->is_ready);
}

bool watch_news(struct watch *watch, int64_t *generation, int64_t *asked_ms)
{
    uv_mutex_lock(&watch->lock);
    *generation = watch->news_generation;
    *asked_ms = watch->news_asked_ms;
    uv_mutex_unlock(&watch->lock);
    return *generation != 0;
}

/* ---- the caches' space ---- */

/* Tells one worker, on its own thread, under which keys to look: none while the generation is being raised. */
struct space_job {
    struct job job;
    struct worker *worker;
    char epoch[64];
    int64_t generation;
};

static void set_space(struct job *job)
{
    struct space_job *space = container_of(job, struct space_job, job);

    cache_set_space(space->worker->cache, text(space->epoch), space->generation);
    free(space);
}

static void tell_workers(struct watch *watch, int64_t generation)
{
    struct app *app = watch->worker->app;

    for (int i = 0; i < app->worker_count; i++) {
        struct space_job *space = xcalloc(1, sizeof(*space));
        space->job.run = set_space;
        space->worker = &app->workers[i];
        space->generation = generation;
        watch_epoch(watch, space->epoch);
        if (generation == 0)
            space->epoch[0] = '\0';
        if (!worker_post(&app->workers[i], &space->job)) {
            free(space);
            watch->generation = 0; /* told again with the next news */
            return;
        }
    }
    watch->generation = generation;
}

void watch_raise_generation(struct watch *watch, struct worker *worker, struct job *raised)
{
    struct raise *raise = xmalloc(sizeof(*raise));

    *raise = (struct raise){worker, raised};
    cache_set_space(worker->cache, text(NULL), 0); /* this loop's at once, the others' with the next tick */
    CHECK(inbox_push(watch->raises, raise) != INBOX_FULL); /* one per writer: RAISES_MAX is more than lanes can be */
}

static void answer_raises(struct watch *watch)
{
    for (size_t i = 0; i < watch->covered_count; i++) {
        CHECK(worker_post(watch->covered[i]->worker, watch->covered[i]->raised));
        free(watch->covered[i]);
    }
    watch->covered_count = 0;
}

/* Takes what has been asked for since; requests of a question that failed stay covered and go with the next. */
static void cover_raises(struct watch *watch)
{
    void **items;
    const size_t count = inbox_take(watch->raises, &items);

    for (size_t i = 0; i < count; i++)
        watch->covered[watch->covered_count++] = items[i];
    if (count > 0)
        tell_workers(watch, 0);
}

/* ---- the news ---- */

static void read_ended(struct watch *watch, const struct db_rows *rows)
{
    struct app *app = watch->worker->app;

    for (int i = 0; i < db_count(rows); i++) {
        ended_add(app->ended, db_i64(rows, i, 1), db_i64(rows, i, 0), clock_mono_ms());
        /* Said by every API: the one that ended it may have died before it could. */
        announce_session_ended(watch->announcer, db_i64(rows, i, 2), db_i64(rows, i, 1), db_i64(rows, i, 0));
    }
    announce_send(watch->announcer, app->publisher);
}

/* Said by every API, as with sessions. What was there before this API is: gateways ask for that when they hear it. */
static void read_bans(struct watch *watch, const struct db_rows *rows, int64_t last_ban)
{
    if (watch->last_ban < 0 || last_ban < watch->last_ban) { /* the second: a database that was restored */
        watch->last_ban = last_ban;
        return;
    }
    for (int i = 0; i < db_count(rows); i++) {
        Bus__Order order;
        Bus__Item item = BUS__ITEM__INIT, *list = &item;
        ban_read(rows, i, &order);
        item.what_case = BUS__ITEM__WHAT_ORDER;
        item.order = &order;
        publisher_send(watch->worker->app->publisher, &list, 1);
        watch->last_ban = (int64_t)order.number;
    }
}

static void free_watch(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    uv_mutex_destroy(&watch->lock);
    inbox_destroy(watch->raises);
    free(watch->covered);
    announcer_destroy(watch->announcer);
    free(watch);
}

static void finish_closing(struct watch *watch)
{
    db_conn_close(watch->conn);
    uv_close((uv_handle_t *)&watch->timer, free_watch);
    watch->on_closed(watch->closed_context);
}

static bool is_working(const struct watch *watch)
{
    return watch->redo_running || watch->clear_running || watch->index_running;
}

/* Of its tasks, the last one that ends while it stops closes it. */
static void end_task(struct watch *watch)
{
    if (watch->stopping && !is_working(watch))
        finish_closing(watch);
}

/* Finishes what dead incarnations left, lane by lane. */
static void redo_dead(void *arg)
{
    struct watch *watch = arg;
    struct worker *worker = watch->worker;
    const int lanes = worker->app->lane_count;

    for (int lane = 0; lane < lanes && !watch->stopping; lane++) {
        struct db_query query = {.statement = &select_dead_owners, .lane = lane};
        size_t done = 0;
        enum err err = db_ask(worker->db, &query);
        for (int i = 0; err == ERR_OK && i < db_count(&query.rows); i++) {
            if (db_i64(&query.rows, i, 0) == watch->incarnation)
                continue;
            err = outbox_redo(worker, lane, db_i64(&query.rows, i, 0), &done);
            if (done > 0 && db_i64(&query.rows, i, 0) != CLEAR_INCARNATION)
                log_info("lane %d: published %zu batches that an API had committed before it ended", lane, done);
        }
        db_params_fini(&query.params);
        db_rows_fini(&query.rows);
    }
    watch->redo_running = false;
    end_task(watch);
}

/* A task of its own: it may take long, and what a dead API owes must not wait for it. */
static void clear_deleted(void *arg)
{
    struct watch *watch = arg;

    clear_all(watch->worker, &watch->stopping);
    watch->clear_running = false;
    end_task(watch);
}

/* Reads on for searches; the first time, rooms that were read for another language begin anew. */
static void index_search(void *arg)
{
    struct watch *watch = arg;

    if (!watch->language_is_known)
        watch->language_is_known = search_index_check(watch->worker) == ERR_OK;
    if (watch->language_is_known)
        search_index_run(watch->worker, &watch->index_most, &watch->stopping);
    watch->index_running = false;
    end_task(watch);
}

static void start_task(struct watch *watch, bool *running, void (*run)(void *arg))
{
    if (*running)
        return;
    *running = true;
    if (task_start(watch->worker->tasks, run, watch) != ERR_OK)
        *running = false;
}

static void read_news(struct watch *watch)
{
    struct app *app = watch->worker->app;
    const struct db_rows *news = &watch->queries[Q_NEWS].rows;
    const struct text epoch = db_conn_epoch(watch->conn);
    const int64_t generation = db_i64(news, 0, 0);

    uv_mutex_lock(&watch->lock);
    const bool is_new_epoch = !text_equal(epoch, text(watch->epoch));
    if (is_new_epoch && epoch.len < sizeof(watch->epoch)) {
        memset(watch->epoch, 0, sizeof(watch->epoch));
        memcpy(watch->epoch, epoch.at, epoch.len);
    }
    watch->news_generation = generation;
    watch->news_asked_ms = watch->asked_ms;
    uv_mutex_unlock(&watch->lock);
    if (is_new_epoch || generation != watch->generation)
        tell_workers(watch, generation);
    answer_raises(watch);
    lanes_open(app, watch->incarnation, (int)db_i64(news, 0, 1));
    read_ended(watch, &watch->queries[Q_ENDED].rows);
    read_bans(watch, &watch->queries[Q_BANS].rows, db_i64(news, 0, 2));
    if (db_count(&watch->queries[Q_ENDED].rows) < ENDED_PAGE)
        atomic_store(&watch->is_ready, true);
    else
        uv_timer_start(&watch->timer, on_tick, 0, TICK_MS); /* there are more: no tokens are judged without them */
    if (app->lane_count > 0)
        start_task(watch, &watch->index_running, index_search);
    if (watch->ticks_to_redo > 0)
        watch->ticks_to_redo--;
    if (watch->ticks_to_redo == 0 && app->lane_count > 0 && !(watch->redo_running && watch->clear_running)) {
        watch->ticks_to_redo = TICKS_TO_REDO;
        start_task(watch, &watch->redo_running, redo_dead);
        start_task(watch, &watch->clear_running, clear_deleted);
    }
}

static void on_told(void *context)
{
    struct watch *watch = context;
    bool fine = true;

    watch->asking = false;
    for (int i = 0; i < Q_COUNT; i++)
        fine = fine && watch->queries[i].err == ERR_OK;
    if (fine && !watch->stopping && db_count(&watch->queries[Q_NEWS].rows) == 1)
        read_news(watch);
    for (int i = 0; i < Q_COUNT; i++) {
        db_params_fini(&watch->queries[i].params);
        db_rows_fini(&watch->queries[i].rows);
    }
}

static void ask(struct watch *watch)
{
    const struct settings *settings = watch->worker->app->settings;
    static const struct db_statement *const statements[Q_COUNT] = {&hold_lock, &raise_generation, &select_news,
                                                                   &select_newly_ended, &prune_ended,
                                                                   &ban_select_after, &ban_prune};
    const bool prunes = watch->ticks++ % TICKS_TO_PRUNE == 0;

    cover_raises(watch);
    for (int i = 0; i < Q_COUNT; i++)
        watch->queries[i] = (struct db_query){.statement = statements[i], .lane = DB_NO_LANE};
    db_add_i64(&watch->queries[Q_LOCK].params, watch->incarnation); /* again and again: counted, and all gone with the connection */
    db_add_bool(&watch->queries[Q_RAISE].params, watch->covered_count > 0);
    db_add_i64(&watch->queries[Q_ENDED].params, ended_last_number(watch->worker->app->ended));
    db_add_i64(&watch->queries[Q_PRUNE].params, 2 * settings->token.life_s);
    db_add_bool(&watch->queries[Q_PRUNE].params, prunes);
    db_add_i64(&watch->queries[Q_BANS].params, watch->last_ban);
    db_add_i64(&watch->queries[Q_BANS].params, watch->last_ban < 0 ? 0 : BANS_PAGE);
    db_add_bool(&watch->queries[Q_PRUNE_BANS].params, prunes);
    ended_prune(watch->worker->app->ended, clock_mono_ms(), 2 * settings->token.life_s);
    watch->asking = true;
    watch->asked_ms = clock_mono_ms();
    db_conn_send(watch->conn, watch->queries, Q_COUNT, on_told, watch);
}

static void on_tick(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    if (!watch->asking && !watch->stopping && db_conn_is_ready(watch->conn))
        ask(watch);
}

static void on_ready(void *context)
{
    on_tick(&((struct watch *)context)->timer);
}

static void on_lost(void *context)
{
    struct watch *watch = context;

    atomic_store(&watch->is_ready, false);
}

struct watch *watch_open(struct worker *worker, int64_t incarnation)
{
    const struct settings *settings = worker->app->settings;
    struct watch *watch = xcalloc(1, sizeof(*watch));

    *watch = (struct watch){.worker = worker, .incarnation = incarnation, .last_ban = -1, .index_most = settings->search.index_max};
    watch->announcer = announcer_create();
    watch->raises = inbox_create(RAISES_MAX);
    watch->covered = xcalloc(RAISES_MAX, sizeof(*watch->covered));
    CHECK(uv_mutex_init(&watch->lock) == 0);
    uv_timer_init(&worker->loop, &watch->timer);
    watch->timer.data = watch;
    uv_timer_start(&watch->timer, on_tick, TICK_MS, TICK_MS);
    watch->conn = db_conn_open(&worker->loop,
                               &(struct db_conn_config){.conninfo = settings->db.url,
                                                        .connect_timeout_ms = (int)settings->db.connect_timeout_ms,
                                                        .statement_timeout_ms = (int)settings->db.statement_timeout_ms},
                               &(struct db_conn_events){on_ready, on_lost}, watch);
    return watch;
}

void watch_close(struct watch *watch, void (*done)(void *context), void *context)
{
    watch->on_closed = done;
    watch->stopping = true;
    watch->closed_context = context;
    uv_timer_stop(&watch->timer);
    if (!is_working(watch)) /* else whichever task ends last: they use the watch and the loop's databases */
        finish_closing(watch);
}
