#include "api/log/lane_statements.h"
#include "api/model/relation.h"
#include "api/model/rights.h"

/*
 * What they all know before they judge: the room, its last event, both people, whether there is a ban, the least role that may do
 * it (NULL: nobody in a room of this kind).
 */
#define CHANGE_FACTS                                                                               \
    "WITH facts AS MATERIALIZED ("                                                                 \
    "  SELECT r.id, r.kind, r.member_count, r.open_to_group, r.group_id, l.seq AS last_seq, l.message_no AS last_no, l.room_mention_no AS last_room_no, a.role AS actor_role,"     \
    "         s.role AS subject_role, s.changed_at, u.id AS user_id, o.seq AS old_seq,"            \
    "         CASE WHEN s.silent_until > statement_timestamp() THEN s.silent_until END AS silent_until," \
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

/* The same where several things happen at once: `happened` (ord, what, subject_id, body, nonce) and `changed`, the rows of their subjects. */
#define SEVERAL_WRITES                                                                             \
    ", stored AS ("                                                                                \
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, subject_id, "      \
    "body, message_no, room_mention_no, created_at)"                                               \
    "  SELECT j.id, j.last_seq + row_number() OVER (ORDER BY h.ord), h.what::public.event_kind, $2::bigint, h.nonce, ''::bytea," \
    "         h.subject_id, json_strip_nulls(h.body), j.last_no, j.last_room_no, statement_timestamp()" \
    "  FROM judged j JOIN happened h ON true WHERE j.outcome = 'stored' RETURNING *"               \
    "), told AS ("                                                                                 \
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"                                   \
    "  SELECT $5::bigint, $6::bigint, json_agg(json_build_array(room_id, seq) ORDER BY seq) FROM " \
    "stored HAVING count(*) > 0"                                                                   \
    ") "                                                                                           \
    "SELECT j.outcome, j.kind::text, " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("c")                  \
    ", j.banned_until FROM judged j LEFT JOIN stored e ON true LEFT JOIN changed c ON c.user_id = e.subject_id" \
    EVENT_JOINS "ORDER BY e.seq"

#define JSON_TIME(time) "to_char(" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* Who comes first into a room that everybody has left owns it. A silence goes on, whoever leaves and comes back. */
#define JOINER_ROLE "(CASE WHEN $2::bigint = $3::bigint AND member_count = 0 THEN 'owner' ELSE 'member' END)"

const struct db_statement add_member = {
    "add_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, 'join'::public.event_kind AS happened, 1 AS step,"
    "         json_strip_nulls(json_build_object('role', " JOINER_ROLE ", 'silent_until', " JSON_TIME("silent_until") ")) AS body,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN $2::bigint = $3::bigint AND subject_role <> 'left' THEN 'unchanged'"
    "              WHEN $2::bigint = $3::bigint AND user_id IS NOT NULL AND (least = 'left' OR (open_to_group AND"
    "                   EXISTS (SELECT FROM public.group_members g WHERE g.group_id = facts.group_id AND g.user_id = $3::bigint)))"
    "                   THEN CASE WHEN banned THEN 'banned' WHEN member_count >= $8::bigint THEN 'full' ELSE 'stored' END"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL THEN 'not_possible'"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN subject_role <> 'left' THEN 'unchanged'"
    "              WHEN " RELATION_BLOCKS("$3::bigint", "$2::bigint") " THEN 'unknown_user'" /* nor are they found */
    "              WHEN " RELATION_SHUTS_OUT("$3::bigint", "$2::bigint") " THEN 'contacts_only'"
    "              WHEN banned THEN 'banned'"
    "              WHEN member_count >= $8::bigint THEN 'full'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), changed AS ("
    "  INSERT INTO {lane}.members AS m (room_id, user_id, role, joined_at, seq, message_no, room_mention_no, "
    "changed_at)"
    "  SELECT id, $3::bigint, " JOINER_ROLE "::public.member_role, statement_timestamp(), last_seq + 1, last_no, last_room_no,"
    "         greatest(statement_timestamp(), changed_at + interval '1 microsecond')"
    "  FROM judged WHERE outcome = 'stored'"
    "  ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, joined_at = "
    "excluded.joined_at,"
    "     seq = excluded.seq, message_no = excluded.message_no, room_mention_no = excluded.room_mention_no, mentions = 0,"
    "     changed_at = excluded.changed_at"
    "  RETURNING m.*"
    ")" CHANGE_WRITES};

/* An owner who leaves has an heir: of those of the highest role who has been there longest. */
const struct db_statement remove_member = {
    "remove_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *,"
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
    "), heir AS MATERIALIZED ("
    "  SELECT m.user_id FROM judged j JOIN {lane}.members m ON m.room_id = j.id AND m.role NOT IN ('owner', 'left')"
    "  WHERE j.outcome = 'stored' AND $2::bigint = $3::bigint AND j.subject_role = 'owner'"
    "  ORDER BY m.role, m.joined_at, m.user_id LIMIT 1"
    "), happened AS ("
    "  SELECT 1 AS ord, 'role' AS what, user_id AS subject_id, json_build_object('role', 'owner') AS body, $8::bytea AS nonce FROM heir"
    "  UNION ALL SELECT 2, CASE WHEN $2::bigint = $3::bigint THEN 'leave' ELSE 'kick' END, $3::bigint, '{}'::json, $4::bytea"
    "), changed AS ("
    "  UPDATE {lane}.members m SET role = (CASE WHEN m.user_id = $3::bigint THEN 'left' ELSE 'owner' END)::public.member_role,"
    "         silent_until = CASE WHEN m.user_id = $3::bigint THEN m.silent_until END,"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.id"
    "  AND (m.user_id = $3::bigint OR m.user_id = (SELECT user_id FROM heir))"
    "  RETURNING m.*"
    "), counted AS ("
    "  UPDATE {lane}.rooms r SET member_count = r.member_count - 1, version = r.version + 1"
    "  FROM judged j WHERE j.outcome = 'stored' AND r.id = j.id"
    ")" SEVERAL_WRITES};

/*
 * A role, a silence, or both. Of those below oneself, and to a role below one's own; oneself one may only step down. Who makes somebody
 * else the owner becomes an admin.
 */
const struct db_statement change_member = {
    "change_member", CHANGE_FACTS
    ", wanted AS MATERIALIZED ("
    "  SELECT *, coalesce($9::text::public.member_role, subject_role) AS new_role,"
    "         CASE WHEN $9::text = 'owner' THEN NULL WHEN $10::timestamptz IS NULL THEN silent_until"
    "              WHEN $10::timestamptz > statement_timestamp() THEN $10::timestamptz END AS new_silent"
    "  FROM facts"
    "), judged AS MATERIALIZED ("
    "  SELECT *,"
    "         CASE WHEN id IS NULL THEN 'no_room'"
    "              WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN least IS NULL THEN 'not_possible'"
    "              WHEN $2::bigint = $3::bigint THEN"
    "                   CASE WHEN new_role = subject_role AND new_silent IS NOT DISTINCT FROM silent_until THEN 'unchanged'"
    "                        WHEN new_silent IS DISTINCT FROM silent_until OR actor_role = 'owner' THEN 'not_possible'"
    "                        WHEN new_role < actor_role THEN 'role_required' ELSE 'stored' END"
    "              WHEN actor_role > least THEN 'role_required'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN $9::text IS NOT NULL AND new_role <= actor_role AND new_role <> 'owner' THEN 'role_required'"
    "              WHEN subject_role IS NULL OR subject_role = 'left' THEN 'absent'" /* whoever is added then gets it */
    "              WHEN actor_role >= subject_role THEN 'role_required'"
    "              WHEN new_role = subject_role AND new_silent IS NOT DISTINCT FROM silent_until THEN 'unchanged'"
    "              ELSE 'stored' END AS outcome"
    "  FROM wanted"
    "), happened AS ("
    "  SELECT 1 AS ord, 'role' AS what, $3::bigint AS subject_id,"
    "         json_build_object('role', new_role, 'silent_until', " JSON_TIME("new_silent") ") AS body, $4::bytea AS nonce FROM judged"
    "  UNION ALL SELECT 2, 'role', $2::bigint, json_build_object('role', 'admin'), $8::bytea FROM judged"
    "  WHERE new_role = 'owner' AND $2::bigint <> $3::bigint"
    "), changed AS ("
    "  UPDATE {lane}.members m SET role = CASE WHEN m.user_id = $3::bigint THEN j.new_role ELSE 'admin' END,"
    "         silent_until = CASE WHEN m.user_id = $3::bigint THEN j.new_silent END,"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.id"
    "  AND (m.user_id = $3::bigint OR (m.user_id = $2::bigint AND j.new_role = 'owner'))"
    "  RETURNING m.*"
    ")" SEVERAL_WRITES};

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
