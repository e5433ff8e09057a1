#include "api/log/clear.h"

#include "api/log/outbox.h"
#include "api/model/room.h"
#include "base/log.h"

#define ROOMS_PAGE_TEXT   "20"
#define MEMBERS_PAGE_TEXT "500"  /* memberships of one piece: rows, words to people, and one outbox row */
#define EVENTS_PAGE_TEXT  "1000"
#define ROWS_PAGE_TEXT    "5000" /* of what is small and nobody is told of */

static const struct db_statement select_deleted = {
    "select_deleted", "SELECT id FROM {lane}.rooms WHERE deleted_at IS NOT NULL AND cleared_at IS NULL ORDER BY id LIMIT " ROOMS_PAGE_TEXT};

/* Several may be at it: each takes what no other is taking just now. */
static const struct db_statement clear_members = {
    "clear_members",
    "WITH page AS MATERIALIZED ("
    "  SELECT m.room_id, m.user_id FROM {lane}.members m JOIN {lane}.rooms r ON r.id = m.room_id AND r.deleted_at IS NOT NULL"
    "  WHERE m.room_id = $1::bigint AND m.role <> 'left' LIMIT " MEMBERS_PAGE_TEXT " FOR UPDATE OF m SKIP LOCKED"
    "), gone AS ("
    "  UPDATE {lane}.members m SET role = 'left',"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM page p WHERE m.room_id = p.room_id AND m.user_id = p.user_id RETURNING m.room_id, m.user_id"
    "), told AS ("
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"
    "  SELECT $2::bigint, public.next_id(0), json_agg(json_build_array(room_id, 0, user_id)) FROM gone HAVING count(*) > 0"
    ") SELECT count(*) FROM gone"};

/* By their keys, a piece of them: as many as a room has had people, and more. */
static const struct db_statement clear_bans = {
    "clear_bans",
    "WITH gone AS ("
    "  DELETE FROM {lane}.bans b USING ("
    "    SELECT room_id, user_id FROM {lane}.bans WHERE room_id = $1::bigint LIMIT " ROWS_PAGE_TEXT " FOR UPDATE SKIP LOCKED"
    "  ) page WHERE b.room_id = page.room_id AND b.user_id = page.user_id RETURNING 1"
    ") SELECT count(*) FROM gone"};

static const struct db_statement clear_mentions = {
    "clear_mentions",
    "WITH gone AS ("
    "  DELETE FROM {lane}.mentions m USING ("
    "    SELECT room_id, user_id, seq FROM {lane}.mentions WHERE room_id = $1::bigint LIMIT " ROWS_PAGE_TEXT " FOR UPDATE SKIP LOCKED"
    "  ) page WHERE m.room_id = page.room_id AND m.user_id = page.user_id AND m.seq = page.seq RETURNING 1"
    ") SELECT count(*) FROM gone"};

static const struct db_statement clear_events = {
    "clear_events",
    "WITH last AS ("
    "  SELECT seq FROM {lane}.events WHERE room_id = $1::bigint ORDER BY seq DESC LIMIT 1"
    "), page AS MATERIALIZED ("
    "  SELECT e.room_id, e.seq FROM {lane}.events e WHERE e.room_id = $1::bigint AND e.seq < (SELECT seq FROM last)"
    "  ORDER BY e.seq LIMIT " EVENTS_PAGE_TEXT " FOR UPDATE OF e SKIP LOCKED"
    "), revisions AS (DELETE FROM {lane}.revisions x USING page p WHERE x.room_id = p.room_id AND x.seq = p.seq"
    "), reactions AS (DELETE FROM {lane}.reactions x USING page p WHERE x.room_id = p.room_id AND x.seq = p.seq"
    "), pins AS (DELETE FROM {lane}.pins x USING page p WHERE x.room_id = p.room_id AND x.seq = p.seq"
    "), words AS (DELETE FROM {lane}.words x USING page p WHERE x.room_id = p.room_id AND x.seq = p.seq"
    "), gone AS ("
    "  DELETE FROM {lane}.events e USING page p WHERE e.room_id = p.room_id AND e.seq = p.seq RETURNING 1"
    ") SELECT count(*) FROM gone"};

/*
 * What was read for search by a statement that began before the room was deleted. It holds the room's row in `searchable`, so a new
 * statement that deletes words sees all that there will be.
 */
static const struct db_statement clear_searchable = {"clear_searchable", "DELETE FROM {lane}.searchable WHERE room_id = $1::bigint"};

static const struct db_statement clear_words = {"clear_words", "DELETE FROM {lane}.words WHERE room_id = $1::bigint"};

static const struct db_statement release_names = {"release_names", "DELETE FROM public.room_names WHERE room_id = $1::bigint"};

static const struct db_statement mark_cleared = {
    "mark_cleared", "UPDATE {lane}.rooms SET cleared_at = statement_timestamp() WHERE id = $1::bigint AND cleared_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM {lane}.members WHERE room_id = $1::bigint AND role <> 'left')"
    " AND NOT EXISTS (SELECT 1 FROM {lane}.bans WHERE room_id = $1::bigint)"
    " AND NOT EXISTS (SELECT 1 FROM {lane}.mentions WHERE room_id = $1::bigint)"
    " AND NOT EXISTS (SELECT 1 FROM {lane}.events WHERE room_id = $1::bigint OFFSET 1)"};

/* How many rows a piece had; -1: it failed. */
static int64_t run(struct worker *worker, const struct db_statement *statement, int lane, int64_t room_id)
{
    struct db_query query = {.statement = statement, .lane = lane};

    db_add_i64(&query.params, room_id);
    if (statement == &clear_members)
        db_add_i64(&query.params, CLEAR_INCARNATION);
    int64_t count = -1;
    if (db_ask(worker->db, &query) == ERR_OK)
        count = db_count(&query.rows) > 0 ? db_i64(&query.rows, 0, 0) : 0;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return count;
}

/* One piece of memberships, and the words about it. */
static int64_t take_members(struct worker *worker, int64_t room_id)
{
    const int lane = room_lane(room_id);
    const int64_t count = run(worker, &clear_members, lane, room_id);
    size_t done;

    if (count > 0 && outbox_redo(worker, lane, CLEAR_INCARNATION, &done) != ERR_OK)
        return -1; /* it is told later */
    return count;
}

void clear_first(struct worker *worker, int64_t room_id)
{
    (void)run(worker, &release_names, DB_NO_LANE, room_id);
    (void)take_members(worker, room_id);
}

/* Piece by piece until nothing is left, or somebody stops it; false: it is not all gone. */
static bool clear_pieces(struct worker *worker, const struct db_statement *statement, int64_t room_id, const bool *stopping)
{
    int64_t count;

    do
        count = run(worker, statement, room_lane(room_id), room_id);
    while (count > 0 && !*stopping);
    return count == 0;
}

static void clear_room(struct worker *worker, int64_t room_id, const bool *stopping)
{
    const int lane = room_lane(room_id);
    int64_t members;

    do
        members = take_members(worker, room_id);
    while (members > 0 && !*stopping);
    if (members != 0 || run(worker, &release_names, DB_NO_LANE, room_id) < 0 || !clear_pieces(worker, &clear_bans, room_id, stopping) ||
        !clear_pieces(worker, &clear_mentions, room_id, stopping) || !clear_pieces(worker, &clear_events, room_id, stopping))
        return;
    if (run(worker, &clear_searchable, lane, room_id) < 0 || run(worker, &clear_words, lane, room_id) < 0)
        return; /* what is left, of statements that began before the deletion */
    if (run(worker, &mark_cleared, lane, room_id) == 0)
        log_info("room %lld: what was in it is gone", (long long)room_id);
}

void clear_all(struct worker *worker, const bool *stopping)
{
    const int lanes = worker->app->lane_count;

    for (int lane = 0; lane < lanes && !*stopping; lane++) {
        struct db_query query = {.statement = &select_deleted, .lane = lane};
        if (db_ask(worker->db, &query) == ERR_OK)
            for (int i = 0; i < db_count(&query.rows) && !*stopping; i++)
                clear_room(worker, db_i64(&query.rows, i, 0), stopping);
        db_params_fini(&query.params);
        db_rows_fini(&query.rows);
    }
}
