#include "api/log/lane_statements.h"
#include "api/model/rights.h"

/*
 * What they all know before they judge: the room, its last event, both people, whether there is a ban, the least role that may do
 * it (NULL: nobody in a room of this kind).
 */
#define CHANGE_FACTS                                                                               \
    "WITH facts AS MATERIALIZED ("                                                                 \
    "  SELECT r.id, r.kind, r.member_count, l.seq AS last_seq, l.message_no AS last_no, l.room_mention_no AS last_room_no, a.role AS actor_role,"     \
    "         s.role AS subject_role, s.changed_at, u.id AS user_id, o.seq AS old_seq,"            \
    "         b.user_id IS NOT NULL AS banned, b.until AS banned_until,"                           \
    "         " RIGHTS_LEAST("$7", "r.kind") " AS least"                                           \
    "  FROM (SELECT 1) AS one"                                                                     \
    "  LEFT JOIN {lane}.rooms r ON r.id = $1::bigint AND r.deleted_at IS NULL"                     \
    "  LEFT JOIN LATERAL (SELECT seq, message_no, room_mention_no FROM {lane}.events WHERE room_id = $1::bigint"    \
    "                     ORDER BY seq DESC LIMIT 1) l ON true"                                    \
    "  LEFT JOIN {lane}.members a ON a.room_id = $1::bigint AND a.user_id = $2::bigint"            \
    "  LEFT JOIN {lane}.members s ON s.room_id = $1::bigint AND s.user_id = $3::bigint"            \
    "  LEFT JOIN public.users u ON u.id = $3::bigint"                                              \
    "  LEFT JOIN {lane}.events o ON o.room_id = $1::bigint AND o.sender_id = $2::bigint"           \
    "                           AND o.nonce = $4::bytea"                                           \
    "  LEFT JOIN {lane}.bans b ON b.room_id = $1::bigint AND b.user_id = $3::bigint"               \
    "                         AND (b.until IS NULL OR b.until > statement_timestamp())"            \
    ")"

/* How they end, once `judged` (outcome, happened, body, step) and `changed` (the subject's row)
 * stand. */
#define CHANGE_WRITES                                                                              \
    ", stored AS ("                                                                                \
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, subject_id, "      \
    "body, message_no, room_mention_no, created_at)"                                               \
    "  SELECT id, last_seq + 1, happened, $2::bigint, $4::bytea, ''::bytea, $3::bigint,"           \
    "         body, last_no, last_room_no, statement_timestamp()"                                  \
    "  FROM judged WHERE outcome = 'stored' RETURNING *"                                           \
    "), counted AS ("                                                                              \
    "  UPDATE {lane}.rooms r SET member_count = r.member_count + j.step, version = r.version + 1"  \
    "  FROM judged j WHERE j.outcome = 'stored' AND r.id = j.id"                                   \
    "), told AS ("                                                                                 \
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"                                   \
    "  SELECT $5::bigint, $6::bigint, json_build_array(json_build_array(room_id, seq)) FROM "      \
    "stored"                                                                                       \
    ") "                                                                                           \
    "SELECT j.outcome, j.kind::text, " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("c")                  \
    ", j.banned_until FROM judged j LEFT JOIN stored e ON true LEFT JOIN changed c ON true" EVENT_JOINS

const struct db_statement add_member = {
    "add_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, 'join'::public.event_kind AS happened, json_build_object('role', 'member') AS body, 1 AS step,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN $2::bigint = $3::bigint AND subject_role <> 'left' THEN 'unchanged'"
    "              WHEN $2::bigint = $3::bigint AND least = 'left' AND user_id IS NOT NULL"
    "                   THEN CASE WHEN banned THEN 'banned' WHEN member_count >= $8::bigint THEN 'full' ELSE 'stored' END"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL THEN 'not_possible'"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN subject_role <> 'left' THEN 'unchanged'"
    "              WHEN banned THEN 'banned'"
    "              WHEN member_count >= $8::bigint THEN 'full'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), changed AS ("
    "  INSERT INTO {lane}.members AS m (room_id, user_id, role, joined_at, seq, message_no, room_mention_no, "
    "changed_at)"
    "  SELECT id, $3::bigint, 'member', statement_timestamp(), last_seq + 1, last_no, last_room_no,"
    "         greatest(statement_timestamp(), changed_at + interval '1 microsecond')"
    "  FROM judged WHERE outcome = 'stored'"
    "  ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, joined_at = "
    "excluded.joined_at,"
    "     seq = excluded.seq, message_no = excluded.message_no, room_mention_no = excluded.room_mention_no, mentions = 0,"
    "     changed_at = excluded.changed_at, silent_until = NULL"
    "  RETURNING m.*"
    ")" CHANGE_WRITES};

const struct db_statement remove_member = {
    "remove_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, CASE WHEN $2::bigint = $3::bigint THEN 'leave' ELSE 'kick' END::public.event_kind "
    "AS happened,"
    "         '{}'::json AS body, -1 AS step,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN $2::bigint = $3::bigint AND subject_role = 'left' THEN 'unchanged'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL THEN 'not_possible'"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN $2::bigint = $3::bigint THEN 'stored'"
    "              WHEN subject_role IS NULL OR subject_role = 'left' THEN 'unchanged'"
    "              WHEN actor_role >= subject_role THEN 'role_required'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), changed AS ("
    "  UPDATE {lane}.members m SET role = 'left',"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.id AND m.user_id = $3::bigint"
    "  RETURNING m.*"
    ")" CHANGE_WRITES};

/* A member goes, too. Bans of the room that are over are forgotten by the way. */
const struct db_statement ban_member = {
    "ban_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, 'ban'::public.event_kind AS happened, $10::text::json AS body,"
    "         CASE WHEN subject_role <> 'left' THEN -1 ELSE 0 END AS step,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL OR $2::bigint = $3::bigint THEN 'not_possible'"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN subject_role <> 'left' AND actor_role >= subject_role THEN 'role_required'"
    "              WHEN $8::timestamptz <= statement_timestamp() THEN 'over'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), over AS ("
    "  DELETE FROM {lane}.bans WHERE room_id = $1::bigint AND user_id <> $3::bigint AND until <= statement_timestamp()"
    "  AND EXISTS (SELECT 1 FROM judged WHERE outcome = 'stored')"
    "), ban AS ("
    "  INSERT INTO {lane}.bans (room_id, user_id, by_id, until, reason, created_at)"
    "  SELECT id, $3::bigint, $2::bigint, $8::timestamptz, $9::text, statement_timestamp() FROM judged WHERE outcome = 'stored'"
    "  ON CONFLICT (room_id, user_id) DO UPDATE SET by_id = excluded.by_id, until = excluded.until,"
    "     reason = excluded.reason, created_at = excluded.created_at"
    "), changed AS ("
    "  UPDATE {lane}.members m SET role = 'left',"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.id AND m.user_id = $3::bigint AND m.role <> 'left'"
    "  RETURNING m.*"
    ")" CHANGE_WRITES};

const struct db_statement unban_member = {
    "unban_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, 'unban'::public.event_kind AS happened, '{}'::json AS body, 0 AS step,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL THEN 'not_possible'"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN NOT banned THEN 'unchanged'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), lifted AS ("
    "  DELETE FROM {lane}.bans b USING judged j WHERE j.outcome = 'stored' AND b.room_id = j.id AND b.user_id = $3::bigint"
    "), changed AS (SELECT m.* FROM {lane}.members m WHERE false)" CHANGE_WRITES};
