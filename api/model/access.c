#include "api/model/access.h"

#include "api/worker.h"

/* A room that is open to its group shows itself to the group's members as a public one does to everybody. */
#define SHOWN_KIND(user)                                                                           \
    "CASE WHEN r.open_to_group AND (m.role IS NULL OR m.role = 'left') AND EXISTS (SELECT FROM public.group_members g "    \
    "WHERE g.group_id = r.group_id AND g.user_id = " user ") THEN 'public' ELSE r.kind::text END"

static const struct db_statement select_access = {
    "select_access",
    "SELECT " SHOWN_KIND("$2::bigint") ", l.seq, l.message_no, " MEMBERSHIP_COLUMNS("m") " FROM {lane}.rooms r "
    "CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "
    "LEFT JOIN {lane}.members m ON m.room_id = r.id AND m.user_id = $2::bigint "
    "WHERE r.id = $1::bigint AND r.deleted_at IS NULL"};

static const struct db_statement select_access_of_all = {
    "select_access_of_all",
    "SELECT " SHOWN_KIND("u.id") ", l.seq, l.message_no, " MEMBERSHIP_COLUMNS("m") ", u.id FROM {lane}.rooms r "
    "CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "
    "CROSS JOIN (SELECT DISTINCT unnest($2::bigint[]) AS id) u "
    "LEFT JOIN {lane}.members m ON m.room_id = r.id AND m.user_id = u.id "
    "WHERE r.id = $1::bigint AND r.deleted_at IS NULL ORDER BY u.id"};

enum { ACCESS_KIND, ACCESS_SEQ, ACCESS_MESSAGE_NO, ACCESS_MEMBERSHIP, ACCESS_USER = ACCESS_MEMBERSHIP + MEMBERSHIP_COLUMN_COUNT };

int access_lane(struct call *call, int64_t room_id)
{
    const int lane = room_lane(room_id);

    return lane < call_worker(call)->app->lane_count ? lane : DB_NO_LANE;
}

void access_ask(struct db_query *query, int64_t room_id, int64_t user_id)
{
    *query = (struct db_query){.statement = &select_access, .lane = room_lane(room_id)};
    db_add_i64(&query->params, room_id);
    db_add_i64(&query->params, user_id);
}

void access_ask_all(struct db_query *query, int64_t room_id, const int64_t *user_ids, size_t count)
{
    *query = (struct db_query){.statement = &select_access_of_all, .lane = room_lane(room_id)};
    db_add_i64(&query->params, room_id);
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        db_array_i64(&query->params, user_ids[i]);
    db_array_end(&query->params);
}

static enum err judge(const struct db_rows *rows, int row, struct access *access)
{
    if (!room_kind_from(db_text(rows, row, ACCESS_KIND), &access->kind))
        return ERR_NOT_FOUND;
    access->seq = db_i64(rows, row, ACCESS_SEQ);
    access->message_no = db_i64(rows, row, ACCESS_MESSAGE_NO);
    if (!db_is_null(rows, row, ACCESS_MEMBERSHIP)) {
        membership_read(&access->membership, rows, row, ACCESS_MEMBERSHIP);
        access->is_member = access->membership.role != ROLE_LEFT;
    }
    if (access->is_member)
        return ERR_OK;
    return access->kind == ROOM_PUBLIC ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
}

enum err access_judge(const struct db_query *query, struct access *access)
{
    *access = (struct access){0};
    if (query->err != ERR_OK)
        return query->err;
    return db_count(&query->rows) > 0 ? judge(&query->rows, 0, access) : ERR_NOT_FOUND;
}

enum err access_judge_of(const struct db_query *query, int64_t user_id, struct access *access)
{
    int low = 0, high = db_count(&query->rows); /* rows come in the order of users */

    *access = (struct access){0};
    if (query->err != ERR_OK)
        return query->err;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (db_i64(&query->rows, middle, ACCESS_USER) < user_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == db_count(&query->rows) || db_i64(&query->rows, low, ACCESS_USER) != user_id)
        return ERR_NOT_FOUND; /* no such room */
    return judge(&query->rows, low, access);
}

enum err access_run(struct call *call, int64_t room_id, struct db_query *query, struct access *access)
{
    struct worker *worker = call_worker(call);
    struct db_query queries[2];

    if (access_lane(call, room_id) == DB_NO_LANE)
        return worker->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
    queries[0] = *query;
    access_ask(&queries[1], room_id, call_user_id(call));
    enum err err = db_run_in_order(worker->db, queries, 2);
    *query = queries[0];
    if (err == ERR_OK)
        err = access_judge(&queries[1], access);
    db_params_fini(&queries[1].params);
    db_rows_fini(&queries[1].rows);
    return err;
}
