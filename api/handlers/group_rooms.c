#include "api/handlers/group_rooms.h"

#include <stdlib.h>

#include "api/handlers/append.h"
#include "api/handlers/rooms.h"
#include "api/model/access.h"
#include "api/model/group.h"
#include "api/model/rights.h"
#include "api/worker.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200
#define POSITION_MAX 1000000

/* What decides: the asker's role in the group, and whether $3 is a topic of it. */
static const struct db_statement select_group_place = {
    "select_group_place",
    "SELECT " GROUP_COLUMNS("$2::bigint") ", EXISTS (SELECT FROM public.topics t WHERE t.id = $3::bigint AND t.group_id = g.id) "
    "FROM public.groups g WHERE g.id = $1::bigint"};

/* Those that $2 may enter: public ones, those open to the group when $5 is in it, and those that $2 is in. */
static const struct db_statement select_group_rooms = {
    "select_group_rooms",
    "SELECT " ROOM_COLUMNS ", l.seq, l.message_no FROM {lane}.rooms r "
    "CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = r.id ORDER BY seq DESC LIMIT 1) l "
    "WHERE r.group_id = $1::bigint AND r.deleted_at IS NULL AND r.id > $3::bigint AND (r.kind = 'public' OR (r.open_to_group AND $5::boolean) OR "
    "EXISTS (SELECT FROM {lane}.members m WHERE m.room_id = r.id AND m.user_id = $2::bigint AND m.role <> 'left')) "
    "ORDER BY r.id LIMIT $4::bigint"};

static void finish(struct db_query *query)
{
    db_params_fini(&query->params);
    db_rows_fini(&query->rows);
}

/* The group as the asker sees it. ERR_NOT_FOUND: not at all. ERR_MEMBER_REQUIRED: a public one, from outside; `group` is filled then, too. */
static enum err look(struct call *call, int64_t group_id, int64_t topic_id, struct db_query *query, struct group *group)
{
    *query = (struct db_query){.statement = &select_group_place, .lane = DB_NO_LANE};
    db_add_i64(&query->params, group_id);
    db_add_i64(&query->params, call_user_id(call));
    db_add_i64(&query->params, topic_id);
    const enum err err = db_ask(call_worker(call)->db, query);
    if (err != ERR_OK)
        return err;
    if (db_count(&query->rows) == 0)
        return ERR_NOT_FOUND;
    group_read(group, &query->rows, 0, 0);
    if (group->role != ROLE_LEFT)
        return ERR_OK;
    return group->kind == ROOM_PUBLIC ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
}

/* ---- listing ---- */

struct listed {
    struct room room; /* first, for by_id() */
    int64_t seq, message_no;
};

static int by_id(const void *a, const void *b)
{
    const int64_t x = ((const struct room *)a)->id, y = ((const struct room *)b)->id;

    return x < y ? -1 : x > y;
}

static void write_page(struct call *call, struct listed *list, size_t count, size_t limit)
{
    struct json_out out = {.buf = call_out(call)};

    qsort(list, count, sizeof(*list), by_id);
    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (size_t i = 0; i < count && i < limit; i++)
        room_write(&out, &list[i].room, list[i].seq, list[i].message_no, NULL);
    json_close(&out, ']');
    json_key_bool(&out, "has_more", count > limit);
    if (count > limit)
        json_key_id(&out, "next", list[limit - 1].room.id);
    json_close(&out, '}');
}

static enum err list(struct call *call, int64_t group_id, int64_t after, int64_t limit, bool is_in)
{
    struct worker *worker = call_worker(call);
    const int lanes = worker->app->lane_count;
    struct db_query *queries = xcalloc((size_t)lanes + 1, sizeof(*queries));

    for (int lane = 0; lane < lanes; lane++) {
        struct db_params *params = &queries[lane].params;
        queries[lane] = (struct db_query){.statement = &select_group_rooms, .lane = lane};
        db_add_i64(params, group_id);
        db_add_i64(params, call_user_id(call));
        db_add_i64(params, after);
        db_add_i64(params, limit + 1);
        db_add_bool(params, is_in);
    }
    enum err err = lanes == 0 ? ERR_UNAVAILABLE : db_run(worker->db, queries, (size_t)lanes);
    if (err == ERR_OK) {
        struct listed *list = xcalloc((size_t)lanes * ((size_t)limit + 1), sizeof(*list));
        size_t count = 0;
        for (int lane = 0; lane < lanes; lane++)
            for (int i = 0; i < db_count(&queries[lane].rows); i++, count++) {
                room_read(&list[count].room, &queries[lane].rows, i, 0);
                list[count].seq = db_i64(&queries[lane].rows, i, ROOM_COLUMN_COUNT);
                list[count].message_no = db_i64(&queries[lane].rows, i, ROOM_COLUMN_COUNT + 1);
            }
        write_page(call, list, count, (size_t)limit);
        free(list);
        err = call_reply(call, 200);
    }
    for (int lane = 0; lane < lanes; lane++)
        finish(&queries[lane]);
    free(queries);
    return err;
}

/* GET /v1/groups/{group}/rooms ? after, limit -> Page of Room, by id: those that the asker may enter */
enum err group_rooms_get(struct call *call)
{
    int64_t group_id, after = 0, limit = LIST_DEFAULT;
    struct db_query query;
    struct group group;
    enum err err;

    if ((err = call_path_id(call, "group", &group_id)) != ERR_OK ||
        (err = call_query_i64(call, "after", 0, INT64_MAX - 1, &after)) != ERR_OK ||
        (err = call_query_i64(call, "limit", 1, LIST_MAX, &limit)) != ERR_OK)
        return err;
    err = look(call, group_id, 0, &query, &group);
    finish(&query);
    if (err != ERR_OK && err != ERR_MEMBER_REQUIRED)
        return err;
    return list(call, group_id, after, limit, err == ERR_OK);
}

/* ---- placing ---- */

/* The group's admins decide what stands in it; the room's are asked under the lock of the room. */
static enum err may_place(struct call *call, int64_t group_id, int64_t topic_id)
{
    struct db_query query;
    struct group group;

    enum err err = look(call, group_id, topic_id, &query, &group);
    if (err == ERR_OK)
        err = rights_check(RIGHT_EDIT_ROOM, group.kind, group.role);
    if (err == ERR_OK && topic_id != 0 && !db_bool(&query.rows, 0, GROUP_COLUMN_COUNT))
        err = call_fail_field(call, ERR_OUT_OF_RANGE, "topic_id", "a topic of this group");
    finish(&query);
    return err;
}

static enum err place(struct call *call, struct log_row *row)
{
    row->kind = LOG_PLACE_ROOM;
    row->actor_id = call_user_id(call);
    const enum err err = call_path_id(call, "room", &row->room_id);

    return err != ERR_OK ? err : append_row(call, row);
}

/* PUT /v1/groups/{group}/rooms/{room} {"topic_id"?, "position"?, "open"?} -> 200 Room: it stands there and nowhere else */
enum err group_rooms_put(struct call *call)
{
    struct log_row row = {0};
    enum err err;

    if ((err = call_path_id(call, "group", &row.place.group_id)) != ERR_OK ||
        (call_body_has(call, "topic_id") && (err = call_body_id(call, "topic_id", &row.place.topic_id)) != ERR_OK) ||
        (call_body_has(call, "position") && (err = call_body_i64(call, "position", 1, POSITION_MAX, &row.place.position)) != ERR_OK) ||
        (err = call_body_bool(call, "open", &row.place.is_open)) != ERR_OK ||
        (err = may_place(call, row.place.group_id, row.place.topic_id)) != ERR_OK || (err = place(call, &row)) != ERR_OK)
        return err;
    return rooms_reply(call, row.room_id, 200);
}

/* DELETE /v1/groups/{group}/rooms/{room} -> 204: it stands in no group; also when it did not */
enum err group_rooms_delete(struct call *call)
{
    struct log_row row = {0};
    enum err err;

    if ((err = call_path_id(call, "group", &row.place.leaves_id)) != ERR_OK ||
        (err = may_place(call, row.place.leaves_id, 0)) != ERR_OK || (err = place(call, &row)) != ERR_OK)
        return err;
    return call_reply_empty(call, 204);
}
