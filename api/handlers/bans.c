#include "api/handlers/bans.h"

#include "api/handlers/append.h"
#include "api/handlers/page.h"
#include "api/model/access.h"
#include "api/model/rights.h"
#include "api/model/user.h"
#include "api/worker.h"
#include "base/clock.h"

#define BANS_DEFAULT 50
#define BANS_MAX 200
#define REASON_MAX_CHARS 500

#define SELECT_BANS                                                                                \
    "SELECT b.until, b.reason, b.by_id, b.created_at, " USER_COLUMNS("u")                          \
    " FROM {lane}.bans b JOIN public.users u ON u.id = b.user_id "                                 \
    "WHERE b.room_id = $1::bigint AND "

enum { BAN_UNTIL, BAN_REASON, BAN_BY, BAN_AT, BAN_USER };

static const struct db_statement select_bans = {
    "select_bans", SELECT_BANS "(b.until IS NULL OR b.until > statement_timestamp()) AND b.user_id > $2::bigint "
                               "ORDER BY b.user_id LIMIT $3::bigint"};

static const struct db_statement select_ban = {"select_ban", SELECT_BANS "b.user_id = $2::bigint"};

static void write_ban(struct json_out *out, const struct db_rows *rows, int row)
{
    struct user user;

    user_read(&user, rows, row, BAN_USER);
    json_open(out, '{');
    json_key(out, "user");
    user_write(out, &user);
    if (!db_is_null(rows, row, BAN_UNTIL))
        json_key_time(out, "until", db_time(rows, row, BAN_UNTIL));
    if (db_text(rows, row, BAN_REASON).len > 0)
        json_key_text(out, "reason", db_text(rows, row, BAN_REASON));
    json_key_id(out, "by_id", db_i64(rows, row, BAN_BY));
    json_key_time(out, "created_at", db_time(rows, row, BAN_AT));
    json_close(out, '}');
}

/* ---- reading ---- */

/* GET /v1/rooms/{room}/bans ? after, limit -> Page of Ban, by user id */
enum err bans_get(struct call *call)
{
    struct db_query query = {.statement = &select_bans};
    int64_t room_id, after = 0, limit = BANS_DEFAULT;
    struct access access;
    enum err err;

    if ((err = call_path_id(call, "room", &room_id)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, BANS_MAX, &limit)) != ERR_OK)
        return err;
    query.lane = room_lane(room_id);
    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    if ((err = access_run(call, room_id, &query, &access)) == ERR_OK)
        err = rights_check(RIGHT_SEE_BANS, access.kind, access.membership.role);
    if (err == ERR_OK)
        err = page_reply(call, &query.rows, limit, BAN_USER, write_ban);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* ---- changing ---- */

static enum err read_until(struct call *call, struct log_row *row)
{
    struct text until;

    row->has_ban_until = call_body_has(call, "until");
    if (!row->has_ban_until)
        return ERR_OK;
    const enum err err = call_body_text(call, "until", 1, 64, &until);
    if (err != ERR_OK)
        return err;
    if (!clock_parse(until, &row->ban_until_us))
        return call_fail_field(call, ERR_WRONG_TYPE, "until", "a time as RFC 3339 writes it");
    return ERR_OK;
}

/* What the event says of it. */
static void write_body(struct buf *body, const struct log_row *row)
{
    struct json_out out = {.buf = body};

    json_open(&out, '{');
    if (row->has_ban_until)
        json_key_time(&out, "until", row->ban_until_us);
    if (row->ban_reason.len > 0)
        json_key_text(&out, "reason", row->ban_reason);
    json_close(&out, '}');
}

static enum err reply_ban(struct call *call, const struct log_row *row)
{
    struct db_query query = {.statement = &select_ban, .lane = room_lane(row->room_id)};

    db_add_i64(&query.params, row->room_id);
    db_add_i64(&query.params, row->subject_id);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND; /* lifted again meanwhile */
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        write_ban(&out, &query.rows, 0);
        err = call_reply(call, 200);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* PUT /v1/rooms/{room}/bans/{user} {"until"?, "reason"?} -> 200 Ban. Who is a member is removed, too. */
enum err bans_put(struct call *call)
{
    struct log_row row = {.kind = LOG_BAN, .actor_id = call_user_id(call), .ban_reason = text("")};
    struct buf body = {0};
    enum err err;

    if ((err = call_path_id(call, "room", &row.room_id)) != ERR_OK ||
        (err = call_path_id(call, "user", &row.subject_id)) != ERR_OK || (err = read_until(call, &row)) != ERR_OK ||
        (call_body_has(call, "reason") &&
         (err = call_body_chars(call, "reason", 0, REASON_MAX_CHARS, &row.ban_reason)) != ERR_OK))
        return err;
    write_body(&body, &row);
    row.body = buf_text(&body);
    err = append_row(call, &row);
    buf_fini(&body);
    if (err == ERR_OUT_OF_RANGE) /* by the database's clock */
        return call_fail_field(call, err, "until", "is over already");
    return err != ERR_OK ? err : reply_ban(call, &row);
}

/* DELETE /v1/rooms/{room}/bans/{user} -> 204, also when there is none */
enum err bans_delete(struct call *call)
{
    struct log_row row = {.kind = LOG_UNBAN, .actor_id = call_user_id(call)};
    enum err err;

    if ((err = call_path_id(call, "room", &row.room_id)) != ERR_OK ||
        (err = call_path_id(call, "user", &row.subject_id)) != ERR_OK || (err = append_row(call, &row)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}
