/*
 * A batch, as it goes: take, build, (sent), on_batch: the next one leaves, then read, publish, cache, answer. The outbox rows
 * it wrote are marked with a later batch, once the cache has what changed (settle.c). When the cache's generation was raised meanwhile, the
 * outbox is done anew beside the batches.
 *
 * If the connection breaks: the rows under way are unknown; they go back to the front of the queue and are sent again once this
 * incarnation's outbox was done anew: that publishes whatever had been committed. Rows that were never sent are refused.
 * If the database refuses the batch: nothing of it happened. Several rows are tried again one by one, a single one is refused.
 */
#include "api/log/lane_writer.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/counters.h"
#include "api/log/batch.h"
#include "api/log/outbox.h"
#include "api/settings.h"
#include "api/log/settle.h"
#include "api/log/watch.h"
#include "base/fail_point.h"
#include "base/log.h"

#define TICK_MS 200        /* marks in quiet times; tries a redo again */
#define MARKS_AT_ONCE 1000 /* outbox rows forgotten with one batch */

enum writer_state {
    WRITER_WAITING, /* for a connection */
    WRITER_IDLE,
    WRITER_REDOING, /* this incarnation's outbox */
    WRITER_SENDING,
};

struct lane_writer {
    struct worker *worker;
    int lane;
    enum writer_state state;
    atomic_bool is_ready; /* what other threads may know of `conn` */
    struct db_conn *conn;
    struct batch_owner owner;
    struct log_queue queue;
    struct batch *batch;     /* collected or under way */
    struct batch *committed; /* being told while the next one is under way */
    struct announcer *announcer;
    struct refresh *refresh;
    struct settle *settle;
    uv_timer_t timer;
    bool needs_redo;      /* something may be committed that was not published */
    bool needs_recache;   /* something was cached under a generation that is void */
    bool recaching;
    size_t marking;       /* outbox rows that the batch under way forgets */
    bool closing;
    void (*on_closed)(void *context);
    void *closed_context;
};

static void go_on(struct lane_writer *writer);

struct worker *lane_writer_worker(const struct lane_writer *writer)
{
    return writer->worker;
}

bool lane_writer_is_ready(const struct lane_writer *writer)
{
    return atomic_load(&writer->is_ready);
}

enum err lane_writer_take(struct lane_writer *writer, struct log_row *row)
{
    const struct settings *settings = writer->worker->app->settings;

    if (writer->closing || !db_conn_is_ready(writer->conn))
        return ERR_UNAVAILABLE;
    if (writer->queue.count >= (size_t)settings->batch.waiting_max) {
        counter_add(COUNTER_ROWS_BUSY, 1);
        return ERR_BUSY;
    }
    if (settle_outstanding(writer->settle) >= (size_t)settings->batch.outbox_max) {
        counter_add(COUNTER_OUTBOX_BUSY, 1);
        return ERR_BUSY;
    }
    counter_add(COUNTER_ROWS, 1);
    log_queue_push(&writer->queue, row);
    go_on(writer);
    return ERR_OK;
}

/* ---- a batch's end ---- */

/* The next batch leaves first: the database works on it while this one is published and answered. */
static void on_stored(struct lane_writer *writer)
{
    struct batch *committed = writer->batch;
    const int64_t *owed;
    size_t owed_count;
    struct log_row *row;

    settle_marked(writer->settle, writer->marking);
    writer->batch = writer->committed;
    writer->committed = committed;
    go_on(writer);

    if (fail_point("die_after_commit"))
        kill(getpid(), SIGKILL);
    batch_read(committed, db_conn_epoch(writer->conn), writer->announcer, writer->refresh);
    announce_send(writer->announcer, writer->worker->app->publisher);
    owed = batch_owed(committed, &owed_count);
    settle_cache(writer->settle, writer->refresh, owed, owed_count);
    while ((row = batch_pop(committed)) != NULL) {
        /* What the broken connection began may have been committed only now, after the outbox was looked through. */
        writer->needs_redo |= row->sent_before;
        room_log_answer(row);
    }
    batch_release(committed);
}

/* Nothing of the batch happened, says the database. */
static void on_refused(struct lane_writer *writer, enum err err)
{
    struct log_row *row;

    if (batch_count(writer->batch) > 1 && err != ERR_UNAVAILABLE) {
        log_warn("lane %d: a batch of %zu rows was refused (%s); trying each alone", writer->lane,
                 batch_count(writer->batch), err_code(err));
        batch_part(writer->batch);
        batch_untake(writer->batch, &writer->queue);
        return;
    }
    while ((row = batch_pop(writer->batch)) != NULL) {
        row->err = err == ERR_UNAVAILABLE ? err : ERR_INTERNAL;
        room_log_answer(row);
    }
}

/* Nobody knows whether it happened. */
static void on_unknown(struct lane_writer *writer)
{
    batch_doubt(writer->batch);
    batch_untake(writer->batch, &writer->queue);
    writer->needs_redo = true;
}

static enum err first_err(const struct db_query *queries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (queries[i].err != ERR_OK)
            return queries[i].err;
    return ERR_OK;
}

static void on_batch(void *context)
{
    struct lane_writer *writer = context;
    size_t query_count;
    const struct db_query *queries = batch_queries(writer->batch, &query_count);
    const enum err err = first_err(queries, query_count);
    const bool is_lost = !db_conn_is_ready(writer->conn);

    writer->state = is_lost ? WRITER_WAITING : WRITER_IDLE;
    if (err == ERR_OK) {
        on_stored(writer);
        go_on(writer); /* those answered may have given new rows */
        return;
    }
    if (is_lost)
        on_unknown(writer);
    else
        on_refused(writer, err);
    batch_release(writer->batch);
    go_on(writer);
}

/* ---- a batch's beginning ---- */

static void send_batch(struct lane_writer *writer)
{
    const size_t limit = (size_t)writer->worker->app->settings->batch.rows_max;
    size_t mark_count, query_count;
    const int64_t *marks = settle_marks(writer->settle, &mark_count);

    batch_take(writer->batch, &writer->queue, limit);
    writer->marking = mark_count < MARKS_AT_ONCE ? mark_count : MARKS_AT_ONCE;
    writer->state = WRITER_SENDING;
    struct db_query *queries = batch_build(writer->batch, writer->lane, &writer->owner, marks, writer->marking, &query_count);
    db_conn_send(writer->conn, queries, query_count, on_batch, writer);
}

/* A task: publishes what had been committed when the connection broke. */
static void redo_outbox(void *arg)
{
    struct lane_writer *writer = arg;
    size_t done = 0;

    writer->needs_redo = false;
    if (outbox_redo(writer->worker, writer->lane, writer->owner.incarnation, &done) != ERR_OK)
        writer->needs_redo = true; /* on_tick() tries again */
    if (done > 0)
        log_info("lane %d: published %zu batches that a broken connection had committed", writer->lane, done);
    if (writer->state == WRITER_REDOING)
        writer->state = db_conn_is_ready(writer->conn) ? WRITER_IDLE : WRITER_WAITING;
}

/* A task: the cache gets what went to a void generation; repeats on the bus are dropped. */
static void recache(void *arg)
{
    struct lane_writer *writer = arg;
    const size_t voided = settle_voided(writer->settle);
    size_t done;

    writer->needs_recache = false;
    if (outbox_redo(writer->worker, writer->lane, writer->owner.incarnation, &done) == ERR_OK)
        settle_redone(writer->settle, voided);
    else
        writer->needs_recache = true; /* on_tick() tries again */
    writer->recaching = false;
}

static void begin_recache(struct lane_writer *writer)
{
    writer->recaching = true;
    if (task_start(writer->worker->tasks, recache, writer) != ERR_OK)
        writer->recaching = false;
}

static void go_on(struct lane_writer *writer)
{
    if (writer->state != WRITER_IDLE || !db_conn_is_ready(writer->conn))
        return;
    if (writer->needs_redo)
        return; /* on_tick() begins it, so that it never begins inside of another task */
    if (writer->queue.count > 0)
        send_batch(writer);
}

static void begin_redo(struct lane_writer *writer)
{
    writer->state = WRITER_REDOING;
    if (task_start(writer->worker->tasks, redo_outbox, writer) != ERR_OK)
        writer->state = WRITER_IDLE;
}

/* ---- life ---- */

static void free_writer(uv_handle_t *handle)
{
    struct lane_writer *writer = handle->data;

    batch_destroy(writer->batch);
    batch_destroy(writer->committed);
    announcer_destroy(writer->announcer);
    refresh_destroy(writer->refresh);
    settle_destroy(writer->settle);
    writer->on_closed(writer->closed_context);
    free(writer);
}

static void close_when_quiet(struct lane_writer *writer)
{
    size_t marks;

    settle_marks(writer->settle, &marks);
    const bool will_confirm = !settle_is_confirmed(writer->settle) && watch_is_ready(writer->worker->app->watch);
    const bool can_mark = (marks > 0 || will_confirm) && db_conn_is_ready(writer->conn);
    if (can_mark || writer->recaching || writer->queue.count > 0 || !settle_is_quiet(writer->settle))
        return;
    uv_timer_stop(&writer->timer);
    db_conn_close(writer->conn);
    uv_close((uv_handle_t *)&writer->timer, free_writer);
}

static void on_tick(uv_timer_t *timer)
{
    struct lane_writer *writer = timer->data;
    size_t marks;

    writer->needs_recache |= settle_confirm(writer->settle);
    if (writer->needs_recache && !writer->recaching)
        begin_recache(writer);
    if (writer->state == WRITER_IDLE && db_conn_is_ready(writer->conn)) {
        settle_marks(writer->settle, &marks);
        if (writer->needs_redo)
            begin_redo(writer);
        else if (marks > 0 || writer->queue.count > 0)
            send_batch(writer);
    }
    if (writer->closing && (writer->state == WRITER_IDLE || writer->state == WRITER_WAITING))
        close_when_quiet(writer);
}

static void on_ready(void *context)
{
    struct lane_writer *writer = context;

    if (writer->state != WRITER_REDOING) /* else the task ends that, and nothing is closed under it */
        writer->state = WRITER_IDLE;
    atomic_store(&writer->is_ready, true);
    on_tick(&writer->timer);
}

/* Rows whose outcome is unknown stay; all others hear at once that there is no database. */
static void on_lost(void *context)
{
    struct lane_writer *writer = context;
    struct log_queue kept;
    struct log_row *row;

    atomic_store(&writer->is_ready, false);
    if (writer->state != WRITER_REDOING)
        writer->state = WRITER_WAITING;
    log_queue_init(&kept);
    while ((row = log_queue_pop(&writer->queue)) != NULL) {
        if (row->sent_before) {
            log_queue_push(&kept, row);
        } else {
            row->err = ERR_UNAVAILABLE;
            room_log_answer(row);
        }
    }
    while ((row = log_queue_pop(&kept)) != NULL)
        log_queue_push(&writer->queue, row);
}

struct lane_writer *lane_writer_open(struct worker *worker, int lane, int64_t incarnation)
{
    static const char *const setup[] = {
        /* A batch is many small lookups by key: the planner must not be tempted to read whole tables. */
        "SET enable_hashjoin = off", "SET enable_mergejoin = off", "SET enable_seqscan = off",
        "SET plan_cache_mode = force_generic_plan", NULL};
    const struct settings *settings = worker->app->settings;
    struct lane_writer *writer = xcalloc(1, sizeof(*writer));

    *writer = (struct lane_writer){.worker = worker, .lane = lane, .owner = {incarnation, 1}};
    log_queue_init(&writer->queue);
    writer->batch = batch_create((size_t)settings->batch.rows_max);
    writer->committed = batch_create((size_t)settings->batch.rows_max);
    writer->announcer = announcer_create();
    writer->refresh = refresh_create();
    writer->settle = settle_create(worker);
    uv_timer_init(&worker->loop, &writer->timer);
    writer->timer.data = writer;
    uv_timer_start(&writer->timer, on_tick, TICK_MS, TICK_MS);
    writer->conn = db_conn_open(&worker->loop,
                                &(struct db_conn_config){.conninfo = settings->db.url,
                                                         .setup = setup,
                                                         .connect_timeout_ms = (int)settings->db.connect_timeout_ms,
                                                         .statement_timeout_ms = (int)settings->db.statement_timeout_ms},
                                &(struct db_conn_events){on_ready, on_lost}, writer);
    return writer;
}

void lane_writer_close(struct lane_writer *writer, void (*done)(void *context), void *context)
{
    writer->closing = true; /* on_tick() closes once nothing is under way */
    writer->on_closed = done;
    writer->closed_context = context;
}
