#include "api/log/search_index.h"

#include <stdlib.h>

#include "api/settings.h"

/*
 * $1 the most messages, rows of the queue, and rooms that they name, but for what the first row has. Each room has its share of the
 * messages, so that a large one keeps none waiting. Rooms are locked before they are read, so that nobody writes what was read before somebody else's; those
 * that never were may be read by two at once, the older text then gives way. What does not fit goes back into the queue.
 * The OFFSETs are for the planner, who may have seen these tables when they were empty: what is there is looked up, never gone through.
 */
static const struct db_statement index_words = {
    "index_words",
    "WITH taken AS MATERIALIZED ("
    "  DELETE FROM {lane}.search_queue WHERE ctid = ANY (ARRAY("
    "    SELECT ctid FROM (SELECT ctid, sum(count) OVER (ORDER BY ctid) - count AS before FROM ("
    "      SELECT ctid, json_array_length(entries) AS count FROM {lane}.search_queue LIMIT $1::bigint FOR UPDATE SKIP LOCKED) q) q"
    "    WHERE before < $1::bigint)) RETURNING entries"
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
    "), behind AS MATERIALIZED ("
    "  SELECT room_id, last, coalesce(seq, 0) AS seq, greatest(1, $1::bigint / count(*) OVER ()) AS share FROM rooms"
    "  WHERE coalesce(seq, 0) < last"
    "), news AS MATERIALIZED ("
    "  SELECT r.room_id, e.seq, e.kind, e.target_seq FROM behind r CROSS JOIN LATERAL ("
    "    SELECT seq, kind, target_seq FROM {lane}.events WHERE room_id = r.room_id AND seq > r.seq ORDER BY seq LIMIT r.share) e"
    "), wanted AS MATERIALIZED ("
    "  SELECT DISTINCT room_id, CASE kind WHEN 'message' THEN seq ELSE target_seq END AS seq FROM news"
    "  WHERE kind IN ('message', 'edit', 'delete')"
    "), texts AS MATERIALIZED ("
    "  SELECT e.room_id, e.seq, e.sender_id, e.created_at, e.edited_at,"
    "         CASE WHEN e.deleted_at IS NULL THEN e.body->>'text' END AS said"
    "  FROM wanted w CROSS JOIN LATERAL (SELECT * FROM {lane}.events WHERE room_id = w.room_id AND seq = w.seq OFFSET 0) e"
    "  WHERE e.kind = 'message'"
    "), gone AS ("
    "  DELETE FROM {lane}.words WHERE ctid = ANY (ARRAY(SELECT x.ctid FROM texts t CROSS JOIN LATERAL ("
    "    SELECT ctid FROM {lane}.words WHERE room_id = t.room_id AND seq = t.seq OFFSET 0) x WHERE t.said IS NULL))"
    "), unreacted AS (" /* what delete_message leaves, since there may be a great many and its lane waits */
    "  DELETE FROM {lane}.reactions WHERE ctid = ANY (ARRAY(SELECT x.ctid FROM texts t CROSS JOIN LATERAL ("
    "    SELECT ctid FROM {lane}.reactions WHERE room_id = t.room_id AND seq = t.seq OFFSET 0) x WHERE t.said IS NULL))"
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
    "  SELECT json_agg(json_build_array(r.room_id, 1)) FROM behind r LEFT JOIN done d ON d.room_id = r.room_id"
    "  WHERE coalesce(d.seq, r.seq) < r.last HAVING count(*) > 0"
    ") SELECT (SELECT count(*) FROM news), (SELECT count(*) FROM taken)"};

static const struct db_statement queue_other_language = {
    "queue_other_language",
    "INSERT INTO {lane}.search_queue (entries) SELECT json_agg(json_build_array(room_id, 1)) FROM ("
    "  SELECT room_id, row_number() OVER () / 100 AS part FROM {lane}.searchable"
    "  WHERE language <> current_setting('default_text_search_config')) s GROUP BY part"};

static enum err ask(struct worker *worker, struct db_query *query, int lane)
{
    query->lane = lane;
    const enum err err = db_ask(worker->search_index, query);
    db_params_fini(&query->params);
    return err;
}

/*
 * Is there perhaps more? Fewer messages the next time when it failed, more when that many went well: an empty lane says nothing of
 * either. Shares of rooms are rounded down.
 */
static bool run_some(struct worker *worker, int lane, int64_t *most)
{
    const int64_t limit = worker->app->settings->search.index_max, asked = *most;
    struct db_query query = {.statement = &index_words};
    bool has_more = false;

    db_add_i64(&query.params, asked);
    if (ask(worker, &query, lane) != ERR_OK) {
        *most = (asked + 1) / 2;
    } else {
        has_more = db_i64(&query.rows, 0, 1) > 0;
        if (db_i64(&query.rows, 0, 0) > asked / 2)
            *most = asked < limit / 2 ? asked * 2 : limit;
    }
    db_rows_fini(&query.rows);
    return has_more;
}

/* Some of each lane in turn. A lane that fails holds none of the others up, and is tried again the next time. */
void search_index_run(struct worker *worker, int64_t *most, const bool *stopping)
{
    const int lanes = worker->app->lane_count;
    bool *is_done = xcalloc((size_t)lanes + 1, sizeof(*is_done));

    for (int left = lanes; left > 0 && !*stopping;)
        for (int lane = 0; lane < lanes && !*stopping; lane++)
            if (!is_done[lane] && !run_some(worker, lane, most)) {
                is_done[lane] = true;
                left--;
            }
    free(is_done);
}

enum err search_index_check(struct worker *worker)
{
    const int lanes = worker->app->lane_count;

    for (int lane = 0; lane < lanes; lane++) {
        struct db_query query = {.statement = &queue_other_language};
        const enum err err = ask(worker, &query, lane);
        db_rows_fini(&query.rows);
        if (err != ERR_OK)
            return ERR_UNAVAILABLE;
    }
    return lanes > 0 ? ERR_OK : ERR_UNAVAILABLE;
}
