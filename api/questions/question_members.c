/*
 * Memberships: are these people members of these rooms? One statement for each lane.
 */
#include <stdlib.h>

#include "api/log/watch.h"
#include "api/model/room.h"
#include "api/questions/question_rooms.h"
#include "base/id.h"

#define ASKED_MAX 1000

enum { REFUSED_BAD_REQUEST = 107 };

/* Membership and the log's end in one snapshot: that is what as_of means. */
static const struct db_statement select_standings = {
    "select_standings",
    "SELECT i.place, coalesce(m.role <> 'left' AND r.deleted_at IS NULL, false), l.seq "
    "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (place, user_id, room_id) "
    "CROSS JOIN LATERAL (SELECT seq FROM {lane}.events WHERE room_id = i.room_id ORDER BY seq DESC LIMIT 1) l "
    "LEFT JOIN {lane}.members m ON m.room_id = i.room_id AND m.user_id = i.user_id "
    "LEFT JOIN {lane}.rooms r ON r.id = i.room_id"};

/* One that was asked about, as ids; room 0: nothing that could be a room. */
struct pair {
    int64_t user, room;
};

enum pair_field { PAIR_PLACE, PAIR_USER, PAIR_ROOM, PAIR_FIELD_COUNT };

static void read_pairs(const Bus__Memberships *ask, struct pair *pairs)
{
    for (size_t i = 0; i < ask->n_asked; i++)
        if (!id_parse(wire_text(ask->asked[i]->user), &pairs[i].user) ||
            !id_parse(wire_text(ask->asked[i]->room), &pairs[i].room))
            pairs[i] = (struct pair){0};
}

static int64_t field_of(const struct pair *pairs, size_t i, enum pair_field field)
{
    if (field == PAIR_PLACE)
        return (int64_t)i;
    return field == PAIR_USER ? pairs[i].user : pairs[i].room;
}

static void add_column(struct db_query *query, const struct pair *pairs, size_t count, enum pair_field field)
{
    db_array_begin(&query->params, DB_I64_ARRAY);
    for (size_t i = 0; i < count; i++)
        if (pairs[i].room != 0 && room_lane(pairs[i].room) == query->lane)
            db_array_i64(&query->params, field_of(pairs, i, field));
    db_array_end(&query->params);
}

static void build(struct db_query *query, int lane, const struct pair *pairs, size_t count)
{
    *query = (struct db_query){.statement = &select_standings, .lane = lane};
    for (int field = 0; field < PAIR_FIELD_COUNT; field++)
        add_column(query, pairs, count, (enum pair_field)field);
}

static void take_lane(const struct db_rows *rows, Bus__Standing *standings)
{
    for (int i = 0; i < db_count(rows); i++) {
        Bus__Standing *standing = &standings[db_i64(rows, i, 0)];
        standing->member = db_bool(rows, i, 1);
        standing->as_of = (uint64_t)db_i64(rows, i, 2);
    }
}

static void answer_all(struct inquiry *inquiry, const struct db_query *queries, size_t lanes, size_t count, const char *epoch)
{
    Bus__Standing *standings = xcalloc(count + 1, sizeof(*standings)), **list = xcalloc(count + 1, sizeof(*list));
    Bus__MembershipList told = BUS__MEMBERSHIP_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < count; i++)
        bus__standing__init(list[i] = &standings[i]);
    for (size_t lane = 0; lane < lanes; lane++)
        take_lane(&queries[lane].rows, standings);
    told.n_standings = count;
    told.standings = list;
    told.epoch = wire_bytes(text(epoch));
    answer.told_case = BUS__ANSWER__TOLD_MEMBERSHIPS;
    answer.memberships = &told;
    inquiry_answer(inquiry, &answer);
    free(list);
    free(standings);
}

void question_memberships(struct worker *worker, struct inquiry *inquiry, const Bus__Memberships *ask)
{
    const size_t lanes = (size_t)worker->app->lane_count;
    enum err err = lanes > 0 ? ERR_OK : ERR_UNAVAILABLE;
    char epoch[64];

    if (ask->n_asked > ASKED_MAX) {
        inquiry_refuse(inquiry, REFUSED_BAD_REQUEST, "bad request", false);
        return;
    }
    struct pair *pairs = xcalloc(ask->n_asked + 1, sizeof(*pairs));
    struct db_query *queries = xcalloc(lanes + 1, sizeof(*queries));
    read_pairs(ask, pairs);
    for (size_t i = 0; i < ask->n_asked; i++)
        if (room_lane(pairs[i].room) >= (int)lanes)
            err = ERR_UNAVAILABLE; /* a lane that is not open here yet: another API may know */
    for (size_t lane = 0; lane < lanes; lane++)
        build(&queries[lane], (int)lane, pairs, ask->n_asked);
    if (err == ERR_OK && (err = db_run(worker->db, queries, lanes)) == ERR_OK && !watch_epoch(worker->app->watch, epoch))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK)
        answer_all(inquiry, queries, lanes, ask->n_asked, epoch);
    else
        question_refuse(inquiry, err);
    question_finish(queries, lanes);
    free(queries);
    free(pairs);
}
