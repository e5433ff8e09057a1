/*
 * One connection goes round like this; each arrow is a function of that name, in this order below:
 *
 *   start_connecting -> on_connecting (PQconnectPoll, again and again) -> start_setup -> drain:
 * DB_STEP_READY: ready
 *
 * then db_conn_send() writes and drain() reads, and whatever goes wrong on the way (refused, setup
 * fails, peer gone, an answer too late) ends in lose(): all that is open gets ERR_UNAVAILABLE, and
 * after a pause it starts again. Nothing is ever sent twice here.
 *
 * Each batch ends with a Sync, and libpq 15 writes to the socket at each Sync (PQpipelineSync()
 * flushes): one system call per batch. Sharing a Sync among independent callers would make one
 * transaction of them.
 */
#include "api/store/db.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <uthash.h>

#include "api/store/db_batch.h"
#include "api/store/db_hosts.h"
#include "api/store/db_sql.h"
#include "api/store/db_steps.h"
#include "base/clock.h"
#include "base/log.h"

#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS   1000

#define EPOCH_SQL                                                                                  \
    "SELECT word || '-' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM "                   \
    "public.installation"

enum state {
    DB_CONN_PAUSING,    /* waits before the next attempt */
    DB_CONN_CONNECTING, /* PQconnectPoll() is at work */
    DB_CONN_SETTING_UP, /* the setup's statements are under way */
    DB_CONN_READY,
    DB_CONN_CLOSING,
};

struct prepared { /* a statement that this connection knows, or is being told */
    char name[DB_NAME_BYTES];
    UT_hash_handle hh;
};

struct watch { /* outlives its connection until libuv has closed it */
    uv_poll_t handle;
    struct db_conn *conn;
    int events;
};

struct db_conn {
    uv_loop_t *loop;
    struct db_conn_config config;
    char *conninfo;
    struct db_conn_events events;
    void *context;

    enum state state;
    bool broken;     /* lose() as soon as we are back on the loop */
    bool complained; /* that it cannot connect was logged; once per loss */
    int pause_ms;
    unsigned turn; /* which of its hosts comes first: another one after each attempt in vain */
    struct buf epoch;
    PGconn *pg;
    struct watch *watch;
    uv_timer_t timer; /* the pause, the connect timeout, or the oldest batch's deadline */
    uv_timer_t soon;  /* 0 ms: `refused` and `broken` are looked at from the loop */
    int open_handles;

    struct db_steps steps;
    struct prepared *prepared; /* by name */
    struct batches sent;       /* oldest first */
    struct batches refused;    /* answered ERR_UNAVAILABLE in the next turn */
};

static void start_connecting(struct db_conn *conn);
static void on_connecting(uv_poll_t *handle, int status, int events);
static void start_setup(struct db_conn *conn);
static void on_traffic(uv_poll_t *handle, int status, int events);
static void drain(struct db_conn *conn);
static void lose(struct db_conn *conn, const char *why);

/* ---- the socket ---- */

static void on_watch_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct watch, handle));
}

static void stop_watching(struct db_conn *conn)
{
    if (conn->watch == NULL)
        return;
    uv_close((uv_handle_t *)&conn->watch->handle, on_watch_closed);
    conn->watch = NULL;
}

/* libpq changes its socket while it connects: a watch is for one socket, and never outlives a step
 * of connecting. */
static void watch(struct db_conn *conn, int events, uv_poll_cb callback)
{
    if (conn->broken || (conn->watch != NULL && conn->watch->events == events))
        return;
    if (conn->watch == NULL) {
        conn->watch = xcalloc(1, sizeof(*conn->watch));
        conn->watch->conn = conn;
        CHECK(uv_poll_init(conn->loop, &conn->watch->handle, PQsocket(conn->pg)) == 0);
    }
    conn->watch->events = events;
    CHECK(uv_poll_start(&conn->watch->handle, events, callback) == 0);
}

/* Both directions while bytes wait for the socket: reading alone, both sides may block
 * (libpq 34.5.1.1). */
static bool flush(struct db_conn *conn)
{
    const int left = PQflush(conn->pg);
    if (left < 0)
        return false;
    watch(conn, left == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_traffic);
    return true;
}

/* ---- connecting ---- */

static void on_timer(uv_timer_t *timer)
{
    struct db_conn *conn = timer->data;
    const int timeout_ms = conn->config.statement_timeout_ms;

    if (conn->state == DB_CONN_PAUSING) {
        start_connecting(conn);
    } else if (conn->state != DB_CONN_READY) {
        lose(conn, "no connection in time");
    } else if (conn->sent.first != NULL && timeout_ms > 0) {
        const int64_t age_ms = clock_mono_ms() - conn->sent.first->sent_at_ms;
        if (age_ms >= timeout_ms)
            drain(conn); /* the loop may have been late, not the answer */
        if (conn->state != DB_CONN_READY || conn->sent.first == NULL)
            return;
        const int64_t left_ms = conn->sent.first->sent_at_ms + timeout_ms - clock_mono_ms();
        if (left_ms <= 0)
            lose(conn, "no answer in time");
        else
            uv_timer_start(timer, on_timer, (uint64_t)left_ms, 0);
    }
}

static void on_soon(uv_timer_t *timer)
{
    struct db_conn *conn = timer->data;
    batches_finish(&conn->refused, ERR_UNAVAILABLE);
    if (conn->broken && conn->state != DB_CONN_CLOSING)
        lose(conn, conn->pg != NULL ? PQerrorMessage(conn->pg) : "");
}

/* libpq may have closed the socket already, and the next one to be opened on this loop gets its number. */
static void break_soon(struct db_conn *conn)
{
    conn->broken = true;
    stop_watching(conn);
    uv_timer_start(&conn->soon, on_soon, 0, 0);
}

static void ignore_notice(void *context, const PGresult *result)
{
}

static void start_connecting(struct db_conn *conn)
{
    conn->state = DB_CONN_CONNECTING;
    conn->broken = false;
    uv_timer_start(&conn->timer, on_timer, (uint64_t)conn->config.connect_timeout_ms, 0);

    conn->pg = db_hosts_connect(conn->conninfo, conn->turn);
    CHECK(conn->pg != NULL); /* out of memory */
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        lose(conn, PQerrorMessage(conn->pg));
        return;
    }
    PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
    watch(conn, UV_WRITABLE,
          on_connecting); /* as if PQconnectPoll() had asked for it (libpq 34.1) */
}

static void on_connecting(uv_poll_t *handle, int status, int events)
{
    struct db_conn *conn = container_of(handle, struct watch, handle)->conn;
    const PostgresPollingStatusType next = PQconnectPoll(conn->pg);

    stop_watching(conn); /* the next step may be on another socket, perhaps of the same number */
    if (next == PGRES_POLLING_OK)
        start_setup(conn);
    else if (next == PGRES_POLLING_READING)
        watch(conn, UV_READABLE, on_connecting);
    else if (next == PGRES_POLLING_WRITING)
        watch(conn, UV_WRITABLE, on_connecting);
    else
        lose(conn, PQerrorMessage(conn->pg));
}

/* `subject`: what a failure is called after, as long as the connection lives. */
static bool send_setup(struct db_conn *conn, enum db_step_kind kind, const char *sql, const char *subject)
{
    if (PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return false;
    db_steps_add(&conn->steps, kind, (void *)subject);
    return true;
}

static void start_setup(struct db_conn *conn)
{
    char timeout[64];
    bool sent = PQsetnonblocking(conn->pg, 1) == 0 && PQenterPipelineMode(conn->pg) == 1;

    /* a little earlier by the server: its word ends one statement, ours the whole connection */
    snprintf(timeout, sizeof(timeout), "SET statement_timeout = %d",
             conn->config.statement_timeout_ms / 10 * 9);
    conn->state = DB_CONN_SETTING_UP;
    sent = sent && send_setup(conn, DB_STEP_SETUP, timeout, NULL);
    for (const char *const *sql = conn->config.setup; sql != NULL && *sql != NULL; sql++)
        sent = sent && send_setup(conn, DB_STEP_SETUP, *sql, *sql);
    sent = sent && send_setup(conn, DB_STEP_EPOCH, EPOCH_SQL, NULL) && PQpipelineSync(conn->pg) == 1;
    db_steps_add(&conn->steps, DB_STEP_READY, NULL);
    if (!sent || !flush(conn))
        lose(conn, PQerrorMessage(conn->pg));
}

static void ready(struct db_conn *conn)
{
    conn->state = DB_CONN_READY;
    conn->pause_ms = PAUSE_FIRST_MS;
    conn->complained = false;
    uv_timer_stop(&conn->timer);
    if (conn->events.on_ready != NULL)
        conn->events.on_ready(conn->context);
}

/* ---- sending ---- */

static void refuse(struct db_conn *conn, struct batch *batch)
{
    batches_add(&conn->refused, batch);
    uv_timer_start(&conn->soon, on_soon, 0, 0);
}

/*
 * Parse with a Sync of its own, before the batch: within the batch's Sync it would be skipped after
 * an earlier error, while batches behind it, sent already, count on it.
 */
static bool prepare(struct db_conn *conn, const struct db_query *query, const char *name)
{
    struct prepared *prepared;
    struct buf sql = {0};

    HASH_FIND_STR(conn->prepared, name, prepared);
    if (prepared != NULL)
        return true;
    prepared = xcalloc(1, sizeof(*prepared));
    snprintf(prepared->name, sizeof(prepared->name), "%s", name);
    HASH_ADD_STR(conn->prepared, name, prepared);

    db_sql_text(query, &sql);
    const bool sent = PQsendPrepare(conn->pg, name, buf_cstring(&sql), 0, NULL) == 1 &&
                      PQpipelineSync(conn->pg) == 1;
    buf_fini(&sql);
    db_steps_add(&conn->steps, DB_STEP_PARSE, prepared);
    db_steps_add(&conn->steps, DB_STEP_PARSED, NULL);
    return sent;
}

static bool send_query(struct db_conn *conn, const struct db_query *query, struct batch *batch)
{
    const struct db_params *params = &query->params;
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
    char name[DB_NAME_BYTES];

    for (int i = 0; i < params->count; i++) {
        const char *bytes = params->bytes.at != NULL ? params->bytes.at : "";
        values[i] = params->values[i].len < 0 ? NULL : bytes + params->values[i].at;
        lengths[i] = params->values[i].len;
        formats[i] = 1;
    }
    db_sql_name(query, name);
    db_steps_add(&conn->steps, DB_STEP_QUERY, batch);
    return PQsendQueryPrepared(conn->pg, name, params->count, values, lengths, formats, 1) == 1;
}

void db_conn_send(struct db_conn *conn, struct db_query *queries, size_t count,
                  void (*done)(void *context), void *context)
{
    struct batch *batch = xcalloc(1, sizeof(*batch));
    char name[DB_NAME_BYTES];
    bool sent = true;

    *batch = (struct batch){.queries = queries, .count = count, .done = done, .context = context};
    for (size_t i = 0; i < count; i++) {
        queries[i].rows = (struct db_rows){0};
        queries[i].err = ERR_OK;
    }
    if (conn->state != DB_CONN_READY || conn->broken) {
        refuse(conn, batch);
        return;
    }

    batch->sent_at_ms = clock_mono_ms();
    if (conn->sent.first == NULL && conn->config.statement_timeout_ms > 0)
        uv_timer_start(&conn->timer, on_timer, (uint64_t)conn->config.statement_timeout_ms, 0);
    batches_add(&conn->sent, batch);
    for (size_t i = 0; sent && i < count; i++) {
        db_sql_name(&queries[i], name);
        sent = prepare(conn, &queries[i], name);
    }
    for (size_t i = 0; sent && i < count; i++)
        sent = send_query(conn, &queries[i], batch);
    sent = sent && PQpipelineSync(conn->pg) == 1;
    db_steps_add(&conn->steps, DB_STEP_SYNC, batch);
    if (!sent || !flush(conn))
        break_soon(conn); /* not now: the caller is in the midst of sending */
}

/* ---- answers ---- */

static void take_rows(struct db_conn *conn, struct batch *batch, PGresult *result)
{
    struct db_query *query = &batch->queries[batch->answered++];
    const ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        query->rows.result = result;
        return;
    }
    if (status != PGRES_PIPELINE_ABORTED) {
        query->err = db_sql_error(result, query->statement->name);
        if (batch->err == ERR_OK)
            batch->err = query->err;
        if (db_sql_wants_new_connection(result))
            break_soon(conn);
    }
    PQclear(result);
}

static void take_setup(struct db_conn *conn, const struct db_step *step, PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        if (!conn->complained && status != PGRES_PIPELINE_ABORTED)
            log_error("db: %s: %s", step->subject != NULL ? (const char *)step->subject : "setup fails, is the database migrated?",
                      PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        conn->complained = true;
        break_soon(conn);
    } else if (step->kind == DB_STEP_EPOCH && PQntuples(result) == 1) {
        buf_reset(&conn->epoch);
        buf_add(&conn->epoch, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
    }
    PQclear(result);
}

static void take_parse(struct db_conn *conn, struct prepared *prepared, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        (void)db_sql_error(result, prepared->name); /* the query behind it fails by itself */
        HASH_DEL(conn->prepared, prepared);
        free(prepared);
    }
    PQclear(result);
}

/* A Sync, unless the commit failed: that error comes in its place, and the Sync after it. */
static bool take_sync(struct batch *batch, PGresult *result)
{
    const bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    if (!is_sync && batch != NULL && batch->err == ERR_OK)
        batch->err = db_sql_error(result, "commit");
    PQclear(result);
    return is_sync;
}

static void take(struct db_conn *conn, PGresult *result, struct batches *finished)
{
    const struct db_step step = *db_steps_first(&conn->steps);

    if (step.kind == DB_STEP_READY || step.kind == DB_STEP_PARSED || step.kind == DB_STEP_SYNC) {
        if (!take_sync(step.subject, result))
            return;
        if (step.kind == DB_STEP_SYNC)
            batches_add(finished, batches_take(&conn->sent));
    } else if (step.kind == DB_STEP_QUERY) {
        take_rows(conn, step.subject, result);
    } else if (step.kind == DB_STEP_PARSE) {
        take_parse(conn, step.subject, result);
    } else {
        take_setup(conn, &step, result);
    }
    db_steps_drop_first(&conn->steps);
    if (step.kind == DB_STEP_READY && !conn->broken)
        ready(conn);
}

/* Reads all that is there. PQgetResult() gives NULL between queries: only our own list knows the
 * end. */
static void drain(struct db_conn *conn)
{
    struct batches finished;
    const bool alive = PQconsumeInput(conn->pg) == 1;

    batches_init(&finished);
    for (int nulls = 0; nulls < 3 && db_steps_first(&conn->steps) != NULL && !PQisBusy(conn->pg);) {
        PGresult *result = PQgetResult(conn->pg);
        if (result == NULL) {
            nulls++; /* one is usual, many mean that libpq's list is not ours: it will time out */
            continue;
        }
        nulls = 0;
        if (PQstatus(conn->pg) == CONNECTION_BAD) {
            PQclear(result); /* made by libpq: the server did not say this */
            break;
        }
        take(conn, result, &finished);
    }
    if (!alive || PQstatus(conn->pg) == CONNECTION_BAD || !flush(conn))
        break_soon(conn);
    batches_finish(&finished, ERR_OK);
}

static void on_traffic(uv_poll_t *handle, int status, int events)
{
    drain(container_of(handle, struct watch, handle)->conn);
}

/* ---- ends ---- */

static void forget_connection(struct db_conn *conn)
{
    struct prepared *prepared, *next;

    stop_watching(conn);
    PQfinish(conn->pg); /* NULL does nothing */
    conn->pg = NULL;
    db_steps_fini(&conn->steps);
    HASH_ITER(hh, conn->prepared, prepared, next)
    {
        HASH_DEL(conn->prepared, prepared);
        free(prepared);
    }
}

static void lose(struct db_conn *conn, const char *why)
{
    const bool was_ready = conn->state == DB_CONN_READY;
    const int why_bytes = (int)strcspn(why, "\n");

    if (was_ready || !conn->complained)
        log_warn("db: no connection: %.*s", why_bytes, why);
    conn->complained = true;
    conn->turn += !was_ready;
    forget_connection(conn);
    conn->broken = false;
    conn->state = DB_CONN_PAUSING;
    uv_timer_start(&conn->timer, on_timer, (uint64_t)conn->pause_ms, 0);
    conn->pause_ms = conn->pause_ms * 2 < PAUSE_MAX_MS ? conn->pause_ms * 2 : PAUSE_MAX_MS;

    batches_finish(&conn->sent, ERR_UNAVAILABLE);
    if (was_ready && conn->events.on_lost != NULL)
        conn->events.on_lost(conn->context);
}

struct db_conn *db_conn_open(uv_loop_t *loop, const struct db_conn_config *config,
                             const struct db_conn_events *events, void *context)
{
    struct db_conn *conn = xcalloc(1, sizeof(*conn));

    conn->loop = loop;
    conn->config = *config;
    conn->conninfo = xstrdup(config->conninfo);
    conn->events = *events;
    conn->context = context;
    conn->pause_ms = PAUSE_FIRST_MS;
    batches_init(&conn->sent);
    batches_init(&conn->refused);
    uv_timer_init(loop, &conn->timer);
    uv_timer_init(loop, &conn->soon);
    conn->timer.data = conn->soon.data = conn;
    conn->open_handles = 2;
    uv_timer_start(&conn->timer, on_timer, 0, 0); /* PAUSING: the first attempt in the next turn */
    return conn;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct db_conn *conn = handle->data;
    if (--conn->open_handles > 0)
        return;
    buf_fini(&conn->epoch);
    free(conn->conninfo);
    free(conn);
}

void db_conn_close(struct db_conn *conn)
{
    if (conn == NULL || conn->state == DB_CONN_CLOSING)
        return;
    conn->state = DB_CONN_CLOSING;
    forget_connection(conn);
    batches_finish(&conn->sent, ERR_UNAVAILABLE);
    while (conn->refused.first != NULL) /* also what their `done` asked anew */
        batches_finish(&conn->refused, ERR_UNAVAILABLE);
    uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
    uv_close((uv_handle_t *)&conn->soon, on_handle_closed);
}

bool db_conn_is_ready(const struct db_conn *conn)
{
    return conn->state == DB_CONN_READY && !conn->broken;
}

struct text db_conn_epoch(const struct db_conn *conn)
{
    return buf_text(&conn->epoch);
}
