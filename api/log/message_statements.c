#include "api/log/message_statements.h"

#include "api/log/lane_statements.h"
#include "api/model/event.h"
#include "api/model/membership.h"
#include "api/model/relation.h"
#include "api/model/rights.h"

/* What they all know before they judge: the room, its last event, the actor, the message and where its sender stands. */
#define MESSAGE_FACTS                                                                              \
    "WITH facts AS MATERIALIZED ("                                                                 \
    "  SELECT r.id, r.kind, r.peer_a, r.peer_b, l.seq AS last_seq, l.message_no AS last_no, l.room_mention_no AS last_room_no,"  \
    "         a.role AS actor_role, a.silent_until, t.seq AS target_seq, t.sender_id, t.body, t.reactions, t.version,"  \
    "         t.created_at, t.edited_at, t.deleted_at, coalesce(s.role, 'left') AS sender_role, o.seq AS old_seq"  \
    "  FROM (SELECT 1) AS one"                                                                     \
    "  LEFT JOIN {lane}.rooms r ON r.id = $1::bigint AND r.deleted_at IS NULL"                     \
    "  LEFT JOIN LATERAL (SELECT seq, message_no, room_mention_no FROM {lane}.events WHERE room_id = $1::bigint"  \
    "                     ORDER BY seq DESC LIMIT 1) l ON true"                                    \
    "  LEFT JOIN {lane}.members a ON a.room_id = $1::bigint AND a.user_id = $2::bigint"            \
    "  LEFT JOIN {lane}.events t ON t.room_id = $1::bigint AND t.seq = $3::bigint AND t.kind = 'message'"  \
    "  LEFT JOIN {lane}.members s ON s.room_id = $1::bigint AND s.user_id = t.sender_id"           \
    "  LEFT JOIN {lane}.events o ON o.room_id = $1::bigint AND o.sender_id = $2::bigint AND o.nonce = $4::bytea"  \
    "), judged AS MATERIALIZED ("                                                                  \
    "  SELECT *, CASE WHEN id IS NULL THEN 'no_room'"                                              \
    "                 WHEN old_seq IS NOT NULL THEN 'repeated'"                                    \
    "                 WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"            \
    "                 WHEN target_seq IS NULL THEN 'no_message'"

#define ARE_PARTED "WHEN kind = 'direct' AND " RELATION_PARTS("peer_a", "peer_b") " THEN 'blocked' "

/* Who may not send says nothing in other ways either. */
#define MAY_NOT_WRITE "WHEN silent_until > statement_timestamp() THEN 'silenced' " ARE_PARTED

/* How they end, once `judged` and `changed` (the message as it is now) stand. `happened` and `body`: of the event. */
#define MESSAGE_WRITES(happened, body, targets)                                                    \
    ", stored AS ("                                                                                \
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, target_seq, body, message_no,"  \
    "                             room_mention_no, created_at)"                                    \
    "  SELECT id, last_seq + 1, '" happened "', $2::bigint, $4::bytea, ''::bytea, target_seq, " body ", last_no,"  \
    "         last_room_no, statement_timestamp()"                                                 \
    "  FROM judged WHERE outcome = 'stored' RETURNING *"                                           \
    "), told AS ("                                                                                 \
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"                                   \
    "  SELECT $5::bigint, $6::bigint, json_build_array(json_build_array(room_id, seq)) FROM stored" \
    ") "                                                                                           \
    "SELECT j.outcome, j.kind::text, " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("c") ", j.silent_until"  \
    " FROM judged j LEFT JOIN stored e ON true LEFT JOIN {lane}.members c ON false" EVENT_JOINS_WITH(targets)

#define NO_BODY "'{}'::json"

/* The same text again changes nothing, whatever version it is thought to replace: it may be a repeat. A forward is somebody else's word. */
const struct db_statement edit_message = {
    "edit_message", MESSAGE_FACTS
    "                 WHEN sender_id <> $2::bigint THEN 'role_required'"
    "                 WHEN deleted_at IS NOT NULL OR body->'forward' IS NOT NULL THEN 'not_possible' " MAY_NOT_WRITE
    "                 WHEN body->>'text' = $7::text THEN 'unchanged'"
    "                 WHEN version <> $8::bigint THEN 'stale'"
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), kept AS ("
    "  INSERT INTO {lane}.revisions (room_id, seq, version, text, created_at)"
    "  SELECT id, target_seq, version, body->>'text', coalesce(edited_at, created_at) FROM judged"
    "  WHERE outcome = 'stored' AND $9::bigint > 0" /* `forgotten` does not see it yet */
    "), forgotten AS ("
    "  DELETE FROM {lane}.revisions v USING judged j WHERE j.outcome = 'stored' AND v.room_id = j.id AND v.seq = j.target_seq"
    "  AND v.version <= j.version - $9::bigint"
    "), changed AS ("
    "  UPDATE {lane}.events t SET body = jsonb_set(j.body::jsonb, '{text}', to_jsonb($7::text))::json,"
    "         edited_at = statement_timestamp(), version = t.version + 1"
    "  FROM judged j WHERE j.outcome = 'stored' AND t.room_id = j.id AND t.seq = j.target_seq RETURNING t.*"
    ")" MESSAGE_WRITES("edit", NO_BODY, "changed")};

/*
 * What is left is what a send is known by, and its place. Rows of its reactions, which may be a great many, go when it is read for search
 * (search_index.c): without a list in the message nobody is shown them.
 */
const struct db_statement delete_message = {
    "delete_message", MESSAGE_FACTS
    "                 WHEN sender_id <> $2::bigint AND " RIGHTS_LEAST("$7", "kind") " IS NULL THEN 'not_possible'"
    "                 WHEN sender_id <> $2::bigint AND (actor_role > " RIGHTS_LEAST("$7", "kind") " OR actor_role >= sender_role)"
    "                      THEN 'role_required'"
    "                 WHEN deleted_at IS NOT NULL THEN 'unchanged'"
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), gone AS (SELECT id, target_seq FROM judged WHERE outcome = 'stored'"
    "), revisions AS (DELETE FROM {lane}.revisions x USING gone g WHERE x.room_id = g.id AND x.seq = g.target_seq"
    "), pins AS (DELETE FROM {lane}.pins x USING gone g WHERE x.room_id = g.id AND x.seq = g.target_seq"
    "), words AS (DELETE FROM {lane}.words x USING gone g WHERE x.room_id = g.id AND x.seq = g.target_seq"
    "), changed AS ("
    "  UPDATE {lane}.events t SET body = json_build_object('nonce', t.body->'nonce'), reactions = NULL,"
    "         deleted_at = statement_timestamp(), version = t.version + 1"
    "  FROM gone g WHERE t.room_id = g.id AND t.seq = g.target_seq RETURNING t.*"
    ")" MESSAGE_WRITES("delete", NO_BODY, "changed")};

/* ---- reactions ---- */

/* The list that a message carries, after `step` more or less of $7. By emoji: so whoever adds and removes in any order has the same. */
#define COUNT_REACTIONS(step)                                                                      \
    ", counts AS MATERIALIZED ("                                                                   \
    "  SELECT jsonb_agg(jsonb_build_object('emoji', emoji, 'count', n) ORDER BY emoji)::json AS list,"  \
    "         coalesce(max(n) FILTER (WHERE emoji = $7::text COLLATE \"C\"), 0) AS count"           \
    "  FROM (SELECT emoji, sum(n)::bigint AS n FROM ("                                             \
    "          SELECT x->>'emoji' COLLATE \"C\" AS emoji, (x->>'count')::bigint AS n"              \
    "          FROM judged, json_array_elements(reactions) AS x"                                   \
    "          UNION ALL SELECT $7::text COLLATE \"C\", " step ") AS each GROUP BY emoji) AS summed WHERE n > 0"  \
    "), changed AS ("                                                                              \
    "  UPDATE {lane}.events t SET reactions = c.list FROM judged j, counts c"                      \
    "  WHERE j.outcome = 'stored' AND t.room_id = j.id AND t.seq = j.target_seq RETURNING t.*)"

#define REACTION(added)                                                                            \
    "json_build_object('emoji', $7::text, 'user_id', ($2::bigint)::text, 'added', " added ", "     \
    "'count', (SELECT count FROM counts))"

#define HAS_REACTED                                                                                \
    "EXISTS (SELECT 1 FROM {lane}.reactions x WHERE x.room_id = $1::bigint AND x.seq = $3::bigint AND x.emoji = $7::text "  \
    "AND x.user_id = $2::bigint)"

const struct db_statement add_reaction = {
    "add_reaction", MESSAGE_FACTS
    "                 WHEN deleted_at IS NOT NULL THEN 'not_possible'"
    "                 WHEN " HAS_REACTED " THEN 'unchanged' " MAY_NOT_WRITE
    "                 WHEN json_array_length(reactions) >= $8::bigint AND NOT EXISTS ("
    "                      SELECT 1 FROM json_array_elements(reactions) AS x WHERE x->>'emoji' = $7::text) THEN 'too_many'"
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), reacted AS ("
    "  INSERT INTO {lane}.reactions (room_id, seq, emoji, user_id)"
    "  SELECT id, target_seq, $7::text, $2::bigint FROM judged WHERE outcome = 'stored'"
    ")" COUNT_REACTIONS("1") MESSAGE_WRITES("reaction", REACTION("true"), "changed")};

const struct db_statement remove_reaction = {
    "remove_reaction", MESSAGE_FACTS
    "                 WHEN deleted_at IS NOT NULL OR NOT " HAS_REACTED " THEN 'unchanged'"
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), reacted AS ("
    "  DELETE FROM {lane}.reactions x USING judged j WHERE j.outcome = 'stored' AND x.room_id = j.id AND x.seq = j.target_seq"
    "  AND x.emoji = $7::text AND x.user_id = $2::bigint"
    ")" COUNT_REACTIONS("-1") MESSAGE_WRITES("reaction", REACTION("false"), "changed")};

/* ---- pins ---- */

#define IS_PINNED "EXISTS (SELECT 1 FROM {lane}.pins x WHERE x.room_id = $1::bigint AND x.seq = $3::bigint)"

const struct db_statement pin_message = {
    "pin_message", MESSAGE_FACTS
    "                 WHEN actor_role > " RIGHTS_LEAST("$7", "kind") " THEN 'role_required'"
    "                 WHEN deleted_at IS NOT NULL THEN 'not_possible'"
    "                 WHEN " IS_PINNED " THEN 'unchanged' " ARE_PARTED
    "                 WHEN (SELECT count(*) FROM {lane}.pins x WHERE x.room_id = $1::bigint) >= $8::bigint THEN 'too_many'"
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), pinned AS ("
    "  INSERT INTO {lane}.pins (room_id, seq, pinned_by, pinned_at)"
    "  SELECT id, target_seq, $2::bigint, statement_timestamp() FROM judged WHERE outcome = 'stored'"
    ")" MESSAGE_WRITES("pin", NO_BODY, "{lane}.events")};

const struct db_statement unpin_message = {
    "unpin_message", MESSAGE_FACTS
    "                 WHEN actor_role > " RIGHTS_LEAST("$7", "kind") " THEN 'role_required'"
    "                 WHEN NOT " IS_PINNED " THEN 'unchanged' " ARE_PARTED
    "                 ELSE 'stored' END AS outcome FROM facts"
    "), pinned AS ("
    "  DELETE FROM {lane}.pins x USING judged j WHERE j.outcome = 'stored' AND x.room_id = j.id AND x.seq = j.target_seq"
    ")" MESSAGE_WRITES("unpin", NO_BODY, "{lane}.events")};

/* ---- by the kind of row ---- */

const struct db_statement *message_statement(enum log_row_kind kind)
{
    switch (kind) {
    case LOG_EDIT:
        return &edit_message;
    case LOG_DELETE:
        return &delete_message;
    case LOG_REACT:
        return &add_reaction;
    case LOG_UNREACT:
        return &remove_reaction;
    case LOG_PIN:
        return &pin_message;
    case LOG_UNPIN:
        return &unpin_message;
    default:
        return NULL;
    }
}

void message_add_params(struct db_params *params, const struct log_row *row)
{
    switch (row->kind) {
    case LOG_EDIT:
        db_add_text(params, row->text);
        if (row->version != 0)
            db_add_i64(params, row->version);
        else
            db_add_null(params);
        db_add_i64(params, row->most);
        break;
    case LOG_REACT:
        db_add_text(params, row->text);
        db_add_i64(params, row->most);
        break;
    case LOG_UNREACT:
        db_add_text(params, row->text);
        break;
    default:
        rights_add(params, row->kind == LOG_DELETE ? RIGHT_DELETE_ANY : RIGHT_PIN);
        if (row->kind == LOG_PIN)
            db_add_i64(params, row->most);
    }
}
