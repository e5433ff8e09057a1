#include "api/log/search_index.h"

#include "api/settings.h"
#include "base/log.h"

#define ROWS_AT_ONCE "20" /* of the queue */

/*
 * $1 the most messages. Rooms are locked before they are read, so that nobody writes what was read before somebody else's; those
 * that never were may be read by two at once, the older text then gives way. What does not fit goes back into the queue.
 */
static const struct db_statement index_words = {
    "index_words",
    "WITH taken AS MATERIALIZED ("
    "  DELETE FROM {lane}.search_queue WHERE ctid = ANY (ARRAY("
    "    SELECT ctid FROM {lane}.search_queue LIMIT " ROWS_AT_ONCE " FOR UPDATE SKIP LOCKED)) RETURNING entries"
    "), ids AS MATERIALIZED ("
    "  SELECT DISTINCT r.id AS room_id FROM taken CROSS JOIN LATERAL json_array_elements(entries) x"
    "  JOIN {lane}.rooms r ON r.id = (x->>0)::bigint AND r.deleted_at IS NULL"
    "), known AS MATERIALIZED ("
    "  SELECT s.* FROM ids JOIN {lane}.searchable s USING (room_id) ORDER BY s.room_id FOR UPDATE OF s"
    "), rooms AS MATERIALIZED ("
    "  SELECT i.room_id, l.seq AS last,"
    "         CASE WHEN k.language = current_setting('default_text_search_config') THEN k.seq ELSE 0 END AS seq"
    "  FROM ids i CROSS JOIN LATERAL (SELECT seq FROM {lane}.events WHERE room_id = i.room_id ORDER BY seq DESC LIMIT 1) l"
    "  LEFT JOIN known k ON k.room_id = i.room_id"
    "), news AS MATERIALIZED ("
    "  SELECT r.room_id, e.seq, e.kind, e.target_seq FROM rooms r CROSS JOIN LATERAL ("
    "    SELECT seq, kind, target_seq FROM {lane}.events WHERE room_id = r.room_id AND seq > r.seq ORDER BY seq LIMIT $1::bigint) e"
    "  ORDER BY r.room_id, e.seq LIMIT $1::bigint"
    "), wanted AS MATERIALIZED ("
    "  SELECT DISTINCT room_id, CASE kind WHEN 'message' THEN seq ELSE target_seq END AS seq FROM news"
    "  WHERE kind IN ('message', 'edit', 'delete')"
    "), texts AS MATERIALIZED ("
    "  SELECT e.room_id, e.seq, e.sender_id, e.created_at, e.edited_at,"
    "         CASE WHEN e.deleted_at IS NULL THEN e.body->>'text' END AS said"
    "  FROM wanted w JOIN {lane}.events e ON e.room_id = w.room_id AND e.seq = w.seq AND e.kind = 'message'"
    "), gone AS ("
    "  DELETE FROM {lane}.words w USING texts t WHERE w.room_id = t.room_id AND w.seq = t.seq AND t.said IS NULL"
    "), unreacted AS (" /* what delete_message leaves, since there may be a great many and its lane waits */
    "  DELETE FROM {lane}.reactions x USING texts t WHERE x.room_id = t.room_id AND x.seq = t.seq AND t.said IS NULL"
    "), stored AS ("
    "  INSERT INTO {lane}.words AS w (room_id, seq, sender_id, created_at, edited_at, words)"
    "  SELECT room_id, seq, sender_id, created_at, edited_at, to_tsvector(said) || array_to_tsvector(ARRAY[' ' || room_id])"
    "  FROM texts WHERE said IS NOT NULL"
    "  ON CONFLICT (room_id, seq) DO UPDATE SET words = EXCLUDED.words, edited_at = EXCLUDED.edited_at"
    "  WHERE coalesce(w.edited_at, '-infinity') <= coalesce(EXCLUDED.edited_at, '-infinity')"
    "), done AS MATERIALIZED ("
    "  SELECT room_id, max(seq) AS seq FROM news GROUP BY room_id"
    "), noted AS ("
    "  INSERT INTO {lane}.searchable AS s (room_id, seq, language)"
    "  SELECT room_id, seq, current_setting('default_text_search_config') FROM done"
    "  ON CONFLICT (room_id) DO UPDATE SET language = EXCLUDED.language,"
    "    seq = CASE WHEN s.language = EXCLUDED.language THEN greatest(s.seq, EXCLUDED.seq) ELSE EXCLUDED.seq END"
    "), again AS ("
    "  INSERT INTO {lane}.search_queue (entries)"
    "  SELECT json_agg(json_build_array(r.room_id, 1)) FROM rooms r LEFT JOIN done d ON d.room_id = r.room_id"
    "  WHERE coalesce(d.seq, r.seq) < r.last HAVING count(*) > 0"
    ") SELECT count(*) FROM news"};

static const struct db_statement queue_other_language = {
    "queue_other_language",
    "INSERT INTO {lane}.search_queue (entries) SELECT json_agg(json_build_array(room_id, 1)) FROM ("
    "  SELECT room_id, row_number() OVER () / 100 AS part FROM {lane}.searchable"
    "  WHERE language <> current_setting('default_text_search_config')) s GROUP BY part"};

/* How many messages it read, or -1. */
static int64_t run(struct worker *worker, const struct db_statement *statement, int lane, int64_t most)
{
    struct db_query query = {.statement = statement, .lane = lane};
    int64_t count = -1;

    if (statement == &index_words)
        db_add_i64(&query.params, most);
    if (db_ask(worker->search, &query) == ERR_OK)
        count = statement == &index_words ? db_i64(&query.rows, 0, 0) : 0;
    db_params_fini(&query.params);
    db_rows_fini(&query.rows);
    return count;
}

/* Fewer the next time when it failed, more when that many went well: an empty lane says nothing of either. */
static int64_t run_some(struct worker *worker, int lane, int64_t *most)
{
    const int64_t limit = worker->app->settings->search.index_max, asked = *most, count = run(worker, &index_words, lane, asked);

    if (count < 0)
        *most = (asked + 1) / 2;
    else if (count == asked)
        *most = asked < limit / 2 ? asked * 2 : limit;
    return count;
}

/* One lane after the other: others search, too. A lane that fails holds none of the others up. */
void search_index_run(struct worker *worker, int64_t *most)
{
    const int64_t limit = worker->app->settings->search.index_max;
    const int lanes = worker->app->lane_count;

    for (int lane = 0; lane < lanes; lane++) {
        for (int64_t total = 0, count = 1; count > 0 && total < limit; total += count)
            count = run_some(worker, lane, most);
    }
}

enum err search_index_check(struct worker *worker)
{
    const int lanes = worker->app->lane_count;

    for (int lane = 0; lane < lanes; lane++)
        if (run(worker, &queue_other_language, lane, 0) < 0)
            return ERR_UNAVAILABLE;
    return lanes > 0 ? ERR_OK : ERR_UNAVAILABLE;
}
