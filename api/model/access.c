#include "api/model/access.h"

#include "api/worker.h"

static const struct db_statement select_access = {
    "select_access",
    "SELECT r.kind::text, l.seq, l.message_no, " MEMBERSHIP_COLUMNS("m") " FROM {lane}.rooms r "
    "CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "
    "LEFT JOIN {lane}.members m ON m.room_id = r.id AND m.user_id = $2::bigint WHERE r.id = $1::bigint"};

enum { ACCESS_KIND, ACCESS_SEQ, ACCESS_MESSAGE_NO, ACCESS_MEMBERSHIP };

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

enum err access_judge(const struct db_query *query, struct access *access)
{
    const struct db_rows *rows = &query->rows;

    *access = (struct access){0};
    if (query->err != ERR_OK)
        return query->err;
    if (db_count(rows) == 0 || !room_kind_from(db_text(rows, 0, ACCESS_KIND), &access->kind))
        return ERR_NOT_FOUND;
    access->seq = db_i64(rows, 0, ACCESS_SEQ);
    access->message_no = db_i64(rows, 0, ACCESS_MESSAGE_NO);
    if (!db_is_null(rows, 0, ACCESS_MEMBERSHIP)) {
        membership_read(&access->membership, rows, 0, ACCESS_MEMBERSHIP);
        access->is_member = access->membership.role != ROLE_LEFT;
    }
    if (access->is_member)
        return ERR_OK;
    return access->kind == ROOM_PUBLIC ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
}

enum err access_run(struct call *call, int64_t room_id, struct db_query *query, struct access *access)
{
    struct worker *worker = call_worker(call);
    struct db_query queries[2];

    if (access_lane(call, room_id) == DB_NO_LANE)
        return worker->app->lane_count == 0 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
    access_ask(&queries[0], room_id, call_user_id(call));
    queries[1] = *query;
    enum err err = db_run(worker->db, queries, 2);
    *query = queries[1];
    if (err == ERR_OK)
        err = access_judge(&queries[0], access);
    db_params_fini(&queries[0].params);
    db_rows_fini(&queries[0].rows);
    return err;
}
