/*
 * db: questions to PostgreSQL from tasks, pipelined over a few connections per loop; and the connection underneath, which
 * the writers of lanes use directly. The only place that knows libpq.
 *
 * Statements are prepared on first use per connection. `{lane}` in their SQL stands for the lane's schema (lane_000); values only
 * as $n, all with an explicit cast ($1::bigint). Parameters and results travel in binary.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define DB_PARAMS_MAX 24
#define DB_NO_LANE (-1)

struct db_statement {
    const char *name; /* unique; "select_chats" */
    const char *sql;
};

/* ---- parameters: added in order; zero-initialised is none ---- */

struct db_params {
    struct buf bytes; /* all values, one after the other */
    int count;
    struct { size_t at; int len; /* -1: NULL */ } values[DB_PARAMS_MAX];
};
void db_params_fini(struct db_params *params);
void db_add_i64(struct db_params *params, int64_t value);       /* bigint */
void db_add_i32(struct db_params *params, int32_t value);       /* int */
void db_add_bool(struct db_params *params, bool value);
void db_add_text(struct db_params *params, struct text value);  /* text, json, enum (cast from text: $1::text::member_role) */
void db_add_bytes(struct db_params *params, struct text value); /* bytea */
void db_add_time(struct db_params *params, int64_t wall_us);    /* timestamptz */
void db_add_null(struct db_params *params);
/* One-dimensional arrays, item by item between begin and end. */
enum db_array { DB_I64_ARRAY, DB_TEXT_ARRAY, DB_BYTES_ARRAY, DB_BOOL_ARRAY };
void db_array_begin(struct db_params *params, enum db_array type);
void db_array_i64(struct db_params *params, int64_t value);
void db_array_text(struct db_params *params, struct text value); /* text or bytea */
void db_array_bool(struct db_params *params, bool value);
void db_array_null(struct db_params *params);
void db_array_end(struct db_params *params);

/* ---- results ---- */

struct db_rows { /* zero-initialised is none */
    void *result; /* PGresult */
};
void db_rows_fini(struct db_rows *rows);
int db_count(const struct db_rows *rows);
bool db_is_null(const struct db_rows *rows, int row, int column);
int64_t db_i64(const struct db_rows *rows, int row, int column);   /* bigint, int, smallint; 0 for NULL */
bool db_bool(const struct db_rows *rows, int row, int column);
struct text db_text(const struct db_rows *rows, int row, int column); /* text, json, enum, bytea; valid until db_rows_fini() */
int64_t db_time(const struct db_rows *rows, int row, int column);  /* timestamptz as wall_us; 0 for NULL */

/* ---- one pipelined connection, by callbacks (writers, watchers) ---- */

struct db_conn;

struct db_conn_config {
    const char *conninfo;      /* libpq's, without secrets in logs */
    const char *const *setup;  /* SQL run on each new connection, NULL at the end: SET plan_cache_mode ... */
    int connect_timeout_ms;    /* one attempt; then again after a growing pause of at most 1 s */
    int statement_timeout_ms;  /* an answer later than this closes the connection; 0 = never */
};

struct db_conn_events {
    void (*on_ready)(void *context); /* connected and set up; also after each reconnection */
    void (*on_lost)(void *context);  /* after the open queries got ERR_UNAVAILABLE */
};

struct db_conn *db_conn_open(uv_loop_t *loop, const struct db_conn_config *config, const struct db_conn_events *events,
                             void *context);
void db_conn_close(struct db_conn *conn); /* open queries are answered ERR_UNAVAILABLE first; memory with the close callbacks */
bool db_conn_is_ready(const struct db_conn *conn);
struct text db_conn_epoch(const struct db_conn *conn); /* installation word + timeline, read at each connect; empty before */

struct db_query {
    const struct db_statement *statement;
    int lane;                /* DB_NO_LANE, or the number put for {lane} */
    struct db_params params; /* the caller's */
    struct db_rows rows;     /* out; the caller's to fini */
    enum err err;            /* out: ERR_OK; ERR_UNAVAILABLE: connection, shutdown, disk full, serialisation: outcome unknown;
                                ERR_CONFLICT: a unique or other constraint said no; ERR_INTERNAL: our statement is wrong (logged) */
};

/*
 * Sends `count` queries with one Sync: one implicit transaction, all or nothing. Then `done` once, from the loop, each
 * query's rows and err filled. `queries` must live until then. Not ready: `done` with ERR_UNAVAILABLE in the next loop turn.
 */
void db_conn_send(struct db_conn *conn, struct db_query *queries, size_t count, void (*done)(void *context), void *context);

/* ---- the loop's pool, for tasks ---- */

struct db;

struct db *db_open(uv_loop_t *loop, const struct db_conn_config *config, int connections, size_t open_limit);
void db_close(struct db *db);
bool db_is_ready(const struct db *db); /* at least one connection */

/*
 * Asks all queries, pipelined, each with a Sync of its own (independent reads or single writing statements), and suspends the
 * task until all are answered. Returns the first error. More than `open_limit` open: ERR_BUSY.
 */
MUST_CHECK enum err db_run(struct db *db, struct db_query *queries, size_t count);
/* The same on one connection: each sees all that the one before saw, and perhaps more. */
MUST_CHECK enum err db_run_in_order(struct db *db, struct db_query *queries, size_t count);
/* One query. */
MUST_CHECK enum err db_ask(struct db *db, struct db_query *query);
