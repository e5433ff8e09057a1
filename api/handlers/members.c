#include "api/handlers/members.h"

#include "api/handlers/append.h"
#include "api/handlers/page.h"
#include "api/handlers/statuses.h"
#include "api/model/access.h"
#include "api/model/membership.h"
#include "api/model/user.h"
#include "api/worker.h"
#include "base/clock.h"

#define MEMBERS_DEFAULT 50
#define MEMBERS_MAX 200

const struct db_statement select_members = {
    "select_members",
    "SELECT " MEMBERSHIP_COLUMNS("m") ", " USER_COLUMNS("u") " FROM {lane}.members m JOIN public.users u ON u.id = m.user_id "
    "WHERE m.room_id = $1::bigint AND m.role <> 'left' AND m.user_id > $2::bigint ORDER BY m.user_id LIMIT $3::bigint"};

const struct db_statement select_member = {
    "select_member",
    "SELECT " MEMBERSHIP_COLUMNS("m") ", " USER_COLUMNS("u") " FROM {lane}.members m JOIN public.users u ON u.id = m.user_id "
    "WHERE m.room_id = $1::bigint AND m.user_id = $2::bigint AND m.role <> 'left'"};

void member_write(struct json_out *out, const struct db_rows *rows, int row, const struct status *status)
{
    struct membership membership;
    struct user user;

    membership_read(&membership, rows, row, 0);
    user_read(&user, rows, row, MEMBERSHIP_COLUMN_COUNT);
    json_open(out, '{');
    json_key(out, "user");
    user_write(out, &user);
    json_key_text(out, "role", text(member_role_name(membership.role)));
    if (membership.silent_us != 0)
        json_key_time(out, "silent_until", membership.silent_us);
    json_key_time(out, "joined_at", membership.joined_us);
    if (status != NULL)
        status_write_state(out, status);
    json_close(out, '}');
}

enum err members_read_statuses(struct call *call, const struct db_rows *rows, int count, struct status **statuses)
{
    *statuses = call_alloc(call, ((size_t)count + 1) * sizeof(**statuses));
    for (int i = 0; i < count; i++)
        (*statuses)[i].user_id = db_i64(rows, i, MEMBERSHIP_USER);
    return statuses_read(call, *statuses, (size_t)count);
}

static enum err reply_member(struct call *call, int64_t room_id, int64_t user_id, int status)
{
    struct db_query query = {.statement = &select_member, .lane = room_lane(room_id)};

    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, user_id);
    enum err err = db_ask(call_worker(call)->db, &query);
    if (err == ERR_OK && db_count(&query.rows) == 0)
        err = ERR_NOT_FOUND; /* removed again meanwhile */
    if (err == ERR_OK) {
        struct json_out out = {.buf = call_out(call)};
        member_write(&out, &query.rows, 0, NULL);
        err = call_reply(call, status);
    }
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* Adds or removes `subject_id`, or the asker when that is 0. */
static enum err change(struct call *call, enum log_row_kind kind, int64_t subject_id, struct log_row *row)
{
    enum err err;

    *row = (struct log_row){.kind = kind, .actor_id = call_user_id(call)};
    row->subject_id = subject_id != 0 ? subject_id : row->actor_id;
    if ((err = call_path_id(call, "room", &row->room_id)) != ERR_OK)
        return err;
    return append_row(call, row);
}

/* POST /v1/rooms/{room}/join -> 200 Member */
enum err members_join(struct call *call)
{
    struct log_row row;
    const enum err err = change(call, LOG_ADD_MEMBER, 0, &row);

    return err != ERR_OK ? err : reply_member(call, row.room_id, row.subject_id, 200);
}

/* POST /v1/rooms/{room}/leave -> 204 */
enum err members_leave(struct call *call)
{
    struct log_row row;
    const enum err err = change(call, LOG_REMOVE_MEMBER, 0, &row);

    /* Who was never in a public room need not leave it; of another room a stranger hears nothing. */
    if (err == ERR_MEMBER_REQUIRED)
        return call_reply_empty(call, 204);
    return err != ERR_OK ? err : call_reply_empty(call, 204);
}

/* What a PUT asks for beside being a member; `*is_change`: anything. */
static enum err read_change(struct call *call, struct log_row *row, bool *is_change)
{
    enum member_role role;
    struct text until;
    enum err err;

    row->has_silent_until = call_body_has(call, "silent_until");
    *is_change = call_body_has(call, "role") || row->has_silent_until;
    if (call_body_has(call, "role")) {
        if ((err = call_body_text(call, "role", 1, 16, &row->role)) != ERR_OK)
            return err;
        if (!member_role_from(row->role, &role) || role == ROLE_LEFT)
            return call_fail_field(call, ERR_OUT_OF_RANGE, "role", "owner, admin, moderator or member");
    }
    if (row->has_silent_until) {
        if ((err = call_body_text(call, "silent_until", 1, 64, &until)) != ERR_OK)
            return err;
        if (!clock_parse(until, &row->silent_until_us))
            return call_fail_field(call, ERR_WRONG_TYPE, "silent_until", "a time as RFC 3339 writes it");
    }
    return ERR_OK;
}

/* PUT /v1/rooms/{room}/members/{user} {"role"?, "silent_until"?} -> 201 Member when new, 200 otherwise */
enum err members_put(struct call *call)
{
    struct log_row row = {.kind = LOG_CHANGE_MEMBER, .actor_id = call_user_id(call)};
    struct log_row added = {.kind = LOG_ADD_MEMBER, .actor_id = row.actor_id, .outcome = LOG_UNCHANGED};
    bool is_change;
    enum err err;

    if ((err = call_path_id(call, "room", &row.room_id)) != ERR_OK || (err = call_path_id(call, "user", &row.subject_id)) != ERR_OK ||
        (err = read_change(call, &row, &is_change)) != ERR_OK)
        return err;
    added.room_id = row.room_id;
    added.subject_id = row.subject_id;
    if (is_change && ((err = append_row(call, &row)) == ERR_OK || row.outcome != LOG_ABSENT))
        return err != ERR_OK ? err : reply_member(call, row.room_id, row.subject_id, 200);
    /* Nobody there yet, and all that was to be judged of the change is judged: a refusal adds nobody. */
    if ((err = append_row(call, &added)) != ERR_OK || (is_change && (err = append_row(call, &row)) != ERR_OK))
        return err;
    return reply_member(call, row.room_id, row.subject_id, added.outcome == LOG_UNCHANGED ? 200 : 201);
}

/* DELETE /v1/rooms/{room}/members/{user} -> 204: a kick; of oneself: leaving */
enum err members_delete(struct call *call)
{
    struct log_row row;
    int64_t user_id;
    enum err err;

    if ((err = call_path_id(call, "user", &user_id)) != ERR_OK || (err = change(call, LOG_REMOVE_MEMBER, user_id, &row)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}

static void write_with_status(struct json_out *out, const struct db_rows *rows, int row, void *statuses)
{
    member_write(out, rows, row, (const struct status *)statuses + row);
}

static enum err reply_members(struct call *call, const struct db_rows *rows, int64_t limit)
{
    struct status *statuses;
    const enum err err = members_read_statuses(call, rows, db_count(rows), &statuses);

    return err != ERR_OK ? err : page_reply_with(call, rows, limit, MEMBERSHIP_USER, write_with_status, statuses);
}

/* GET /v1/rooms/{room}/members ? after, limit -> Page of Member, by user id */
enum err members_get(struct call *call)
{
    int64_t room_id, after = 0, limit = MEMBERS_DEFAULT;
    struct db_query query = {.statement = &select_members};
    struct access access;
    enum err err;

    if ((err = call_path_id(call, "room", &room_id)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, MEMBERS_MAX, &limit)) != ERR_OK)
        return err;
    query.lane = room_lane(room_id);
    db_add_i64(&query.params, room_id);
    db_add_i64(&query.params, after);
    db_add_i64(&query.params, limit + 1);
    if ((err = access_run(call, room_id, &query, &access)) == ERR_OK)
        err = reply_members(call, &query.rows, limit);
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return err;
}

/* PUT /v1/rooms/{room}/cursor {"seq", "force"?} -> {cursor, unread, mentions, changed_at} */
enum err cursor_put(struct call *call)
{
    struct log_row row = {.kind = LOG_MOVE_CURSOR, .actor_id = call_user_id(call)};
    enum err err;

    if ((err = call_path_id(call, "room", &row.room_id)) != ERR_OK ||
        (err = call_body_i64(call, "seq", 0, INT64_MAX - 1, &row.seq)) != ERR_OK ||
        (err = call_body_bool(call, "force", &row.force)) != ERR_OK || (err = append_row(call, &row)) != ERR_OK)
        return err;

    struct json_out out = {.buf = call_out(call)};
    json_open(&out, '{');
    json_key(&out, "cursor");
    json_open(&out, '{');
    json_key_i64(&out, "seq", row.seq);
    json_key_i64(&out, "message_no", row.message_no);
    json_close(&out, '}');
    json_key_i64(&out, "unread", row.room_message_no - row.message_no);
    json_key_i64(&out, "mentions", row.mentions_unread);
    json_key_time_exact(&out, "changed_at", row.at_us);
    json_close(&out, '}');
    return call_reply(call, 200);
}
