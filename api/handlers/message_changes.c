#include "api/handlers/message_changes.h"

#include "api/handlers/append.h"
#include "api/handlers/messages.h"
#include "api/handlers/page.h"
#include "api/model/access.h"
#include "api/model/event.h"
#include "api/model/mine.h"
#include "api/model/rights.h"
#include "api/request/version.h"
#include "api/settings.h"
#include "api/worker.h"

#define REVISIONS_DEFAULT 50
#define REVISIONS_MAX 200
#define REVISIONS_BYTES_MAX (1u << 20)
#define NO_VERSION (-1) /* that no message has */

static const struct db_statement select_message = {
    "select_message", "SELECT " EVENT_COLUMNS " FROM {lane}.events e" EVENT_JOINS
                      "WHERE e.room_id = $1::bigint AND e.seq = $2::bigint AND e.kind = 'message'"};

/* A row for each, or one without a version: the message is there, but was never edited. */
static const struct db_statement select_revisions = {
    "select_revisions",
    "SELECT e.sender_id, v.version, v.text, v.created_at FROM {lane}.events e "
    "LEFT JOIN {lane}.revisions v ON v.room_id = e.room_id AND v.seq = e.seq AND v.version > $3::bigint "
    "WHERE e.room_id = $1::bigint AND e.seq = $2::bigint AND e.kind = 'message' ORDER BY v.version LIMIT $4::bigint"};

enum { REVISION_SENDER, REVISION_VERSION, REVISION_TEXT, REVISION_AT };

static enum err read_place(struct call *call, struct log_row *row)
{
    const enum err err = call_path_id(call, "room", &row->room_id);

    return err != ERR_OK ? err : call_path_id(call, "seq", &row->target_seq);
}

/* ---- one message ---- */

static void build_message(struct db_query *query, const struct log_row *row)
{
    *query = (struct db_query){.statement = &select_message, .lane = room_lane(row->room_id)};
    db_add_i64(&query->params, row->room_id);
    db_add_i64(&query->params, row->target_seq);
}

static enum err reply_message(struct call *call, const struct db_rows *rows)
{
    struct json_out out = {.buf = call_out(call)};
    struct event event;
    struct mine mine;

    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    event_read(&event, rows, 0, 0);
    const enum err err = mine_read(call_worker(call), event.room_id, call_user_id(call), &rows, 1, &mine);
    if (err == ERR_OK) {
        event_write_message_to(&out, &event, &mine);
        call_set_version(call, event.version);
    }
    mine_fini(&mine);
    return err != ERR_OK ? err : call_reply(call, 200);
}

/* GET /v1/rooms/{room}/messages/{seq} -> Message */
enum err message_get(struct call *call)
{
    struct log_row place = {0};
    struct db_query query;
    struct access access;
    enum err err;

    if ((err = read_place(call, &place)) != ERR_OK)
        return err;
    build_message(&query, &place);
    if ((err = access_run(call, place.room_id, &query, &access)) == ERR_OK)
        err = reply_message(call, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* Of a room that the caller is known to be in. */
static enum err answer_message(struct call *call, const struct log_row *row)
{
    struct db_query query;

    build_message(&query, row);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK)
        err = reply_message(call, &query.rows);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- changing ---- */

/* Who names no version takes any. A tag that no version has is refused by the statement, which judges first whether one sees the room. */
static void read_version(struct call *call, struct log_row *row)
{
    if (call_header(call, "if-match").len > 0 && call_if_match(call, &row->version) != ERR_OK)
        row->version = NO_VERSION;
}

/* PATCH /v1/rooms/{room}/messages/{seq} {"text"} -> Message; If-Match may name its version */
enum err message_patch(struct call *call)
{
    struct log_row row = {.kind = LOG_EDIT, .actor_id = call_user_id(call)};
    enum err err;

    if ((err = read_place(call, &row)) != ERR_OK || (err = call_body_text(call, "text", 1, MESSAGE_MAX_BYTES, &row.text)) != ERR_OK)
        return err;
    read_version(call, &row);
    row.most = call_worker(call)->app->settings->limits.revisions_per_message;
    if ((err = append_row(call, &row)) != ERR_OK)
        return err;
    return answer_message(call, &row);
}

/* DELETE /v1/rooms/{room}/messages/{seq} -> 204, also when it is deleted already */
enum err message_delete(struct call *call)
{
    struct log_row row = {.kind = LOG_DELETE, .actor_id = call_user_id(call)};
    enum err err;

    if ((err = read_place(call, &row)) != ERR_OK || (err = append_row(call, &row)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}

/* ---- what it said before ---- */

static void write_revision(struct json_out *out, const struct db_rows *rows, int row)
{
    if (db_is_null(rows, row, REVISION_VERSION))
        return;
    json_open(out, '{');
    json_key_i64(out, "version", db_i64(rows, row, REVISION_VERSION));
    json_key_text(out, "text", db_text(rows, row, REVISION_TEXT));
    json_key_time(out, "created_at", db_time(rows, row, REVISION_AT));
    json_close(out, '}');
}

/* How many of them a page shows: at most `limit`, and so many that their texts stay below 1 MiB, but one at least. */
static int64_t fit(const struct db_rows *rows, int64_t limit)
{
    size_t bytes = 0;
    int64_t count = 0;

    for (; count < limit && count < db_count(rows); count++) {
        bytes += db_text(rows, (int)count, REVISION_TEXT).len;
        if (bytes > REVISIONS_BYTES_MAX && count > 0)
            break;
    }
    return count;
}

/* Everybody sees those of the own messages. */
static enum err judge_revisions(struct call *call, const struct db_rows *rows, const struct access *access)
{
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    if (db_i64(rows, 0, REVISION_SENDER) == call_user_id(call))
        return ERR_OK;
    return rights_check(RIGHT_SEE_REVISIONS, access->kind, access->membership.role);
}

/* GET /v1/rooms/{room}/messages/{seq}/revisions ? after, limit -> Page of Revision, the oldest first */
enum err revisions_get(struct call *call)
{
    struct db_query query = {.statement = &select_revisions};
    int64_t after = 0, limit = REVISIONS_DEFAULT;
    struct log_row place = {0};
    struct access access;
    enum err err;

    if ((err = read_place(call, &place)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, REVISIONS_MAX, &limit)) != ERR_OK)
        return err;
    query.lane = room_lane(place.room_id);
    db_add_i64(&query.params, place.room_id);
    db_add_i64(&query.params, place.target_seq);
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    if ((err = access_run(call, place.room_id, &query, &access)) == ERR_OK)
        err = judge_revisions(call, &query.rows, &access);
    if (err == ERR_OK)
        err = page_reply(call, &query.rows, fit(&query.rows, limit), REVISION_VERSION, write_revision);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}
