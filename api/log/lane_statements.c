#include "api/log/lane_statements.h"

const struct db_statement lock_rooms = {
    "lock_rooms",
    "SELECT r.id FROM unnest($1::bigint[]) AS i (id) JOIN {lane}.rooms r ON r.id = i.id "
    "ORDER BY r.id FOR NO KEY UPDATE OF r"};

const struct db_statement append_messages = {
    "append_messages",
    "WITH inp AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bigint[], "
    "$6::text[])"
    "  WITH ORDINALITY AS t (room_id, sender_id, nonce, digest, target_seq, body, ord)"
    "), last AS MATERIALIZED ("
    "  SELECT d.room_id, r.kind, e.seq, e.message_no FROM (SELECT DISTINCT room_id FROM inp) d"
    "  JOIN {lane}.rooms r ON r.id = d.room_id"
    "  CROSS JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = d.room_id"
    "                      ORDER BY seq DESC LIMIT 1) e"
    "), judged AS MATERIALIZED ("
    "  SELECT i.*, l.seq AS last_seq, l.message_no AS last_no, l.kind, m.silent_until,"
    "         o.seq AS old_seq, o.message_no AS old_no, o.created_at AS old_at,"
    "         CASE WHEN o.seq IS NOT NULL THEN CASE WHEN o.digest = i.digest THEN 'repeated' ELSE "
    "'reused' END"
    "              WHEN l.seq IS NULL THEN 'no_room'"
    "              WHEN m.role IS NULL OR m.role = 'left' THEN 'not_member'"
    "              WHEN m.silent_until > statement_timestamp() THEN 'silenced'"
    "              ELSE 'stored' END AS outcome"
    "  FROM inp i LEFT JOIN last l ON l.room_id = i.room_id"
    "  LEFT JOIN {lane}.members m ON m.room_id = i.room_id AND m.user_id = i.sender_id"
    "  LEFT JOIN {lane}.events o ON o.room_id = i.room_id AND o.sender_id = i.sender_id AND "
    "o.nonce = i.nonce"
    "), numbered AS MATERIALIZED ("
    "  SELECT j.*, last_seq + row_number() OVER w AS seq, last_no + row_number() OVER w AS "
    "message_no"
    "  FROM judged j WHERE outcome = 'stored' WINDOW w AS (PARTITION BY room_id ORDER BY ord)"
    "), stored AS ("
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, target_seq, body, "
    "message_no, created_at)"
    "  SELECT room_id, seq, 'message', sender_id, nonce, digest, target_seq, body::json, "
    "message_no, statement_timestamp()"
    "  FROM numbered"
    "), moved AS ("
    "  UPDATE {lane}.members m SET seq = n.seq, message_no = n.message_no,"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM (SELECT room_id, sender_id, max(seq) AS seq, max(message_no) AS message_no FROM "
    "numbered GROUP BY 1, 2) n"
    "  WHERE m.room_id = n.room_id AND m.user_id = n.sender_id"
    "  RETURNING m.*"
    "), told AS ("
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"
    "  SELECT $7::bigint, $8::bigint, json_agg(json_build_array(room_id, seq)) FROM numbered "
    "HAVING count(*) > 0"
    ") "
    "SELECT j.outcome, coalesce(n.seq, j.old_seq), coalesce(n.message_no, j.old_no),"
    "       CASE WHEN n.seq IS NULL THEN j.old_at ELSE statement_timestamp() END, coalesce(u.name, ''),"
    "       j.silent_until, j.kind::text, " MEMBERSHIP_COLUMNS("v")
    " FROM judged j LEFT JOIN numbered n ON n.ord = j.ord "
    "LEFT JOIN moved v ON v.room_id = n.room_id AND v.user_id = n.sender_id "
    "LEFT JOIN public.users u ON u.id = j.sender_id ORDER BY j.ord"};

/* What they all know before they judge: the room, its last event, both people, whether there is a ban. */
#define CHANGE_FACTS                                                                               \
    "WITH facts AS MATERIALIZED ("                                                                 \
    "  SELECT r.id, r.kind, r.member_count, l.seq AS last_seq, l.message_no AS last_no, a.role AS actor_role,"     \
    "         s.role AS subject_role, s.changed_at, u.id AS user_id, o.seq AS old_seq,"            \
    "         b.user_id IS NOT NULL AS banned, b.until AS banned_until"                            \
    "  FROM (SELECT 1) AS one"                                                                     \
    "  LEFT JOIN {lane}.rooms r ON r.id = $1::bigint"                                              \
    "  LEFT JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = $1::bigint"    \
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
    "body, message_no, created_at)"                                                                \
    "  SELECT id, last_seq + 1, happened, $2::bigint, $4::bytea, ''::bytea, $3::bigint,"           \
    "         body, last_no, statement_timestamp()"                                                \
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
    "         CASE WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN id IS NULL THEN 'no_room'"
    "              WHEN $2::bigint = $3::bigint AND subject_role <> 'left' THEN 'unchanged'"
    "              WHEN $2::bigint = $3::bigint AND kind = 'public' AND user_id IS NOT NULL"
    "                   THEN CASE WHEN banned THEN 'banned' WHEN member_count >= $7::bigint THEN 'full' ELSE 'stored' END"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN kind = 'direct' THEN 'not_possible'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN subject_role <> 'left' THEN 'unchanged'"
    "              WHEN banned THEN 'banned'"
    "              WHEN member_count >= $7::bigint THEN 'full'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), changed AS ("
    "  INSERT INTO {lane}.members AS m (room_id, user_id, role, joined_at, seq, message_no, "
    "changed_at)"
    "  SELECT id, $3::bigint, 'member', statement_timestamp(), last_seq + 1, last_no,"
    "         greatest(statement_timestamp(), changed_at + interval '1 microsecond')"
    "  FROM judged WHERE outcome = 'stored'"
    "  ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, joined_at = "
    "excluded.joined_at,"
    "     seq = excluded.seq, message_no = excluded.message_no, changed_at = excluded.changed_at, "
    "silent_until = NULL"
    "  RETURNING m.*"
    ")" CHANGE_WRITES};

const struct db_statement remove_member = {
    "remove_member", CHANGE_FACTS
    ", judged AS MATERIALIZED ("
    "  SELECT *, CASE WHEN $2::bigint = $3::bigint THEN 'leave' ELSE 'kick' END::public.event_kind "
    "AS happened,"
    "         '{}'::json AS body, -1 AS step,"
    "         CASE WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN id IS NULL THEN 'no_room'"
    "              WHEN $2::bigint = $3::bigint AND subject_role = 'left' THEN 'unchanged'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN kind = 'direct' THEN 'not_possible'"
    "              WHEN $2::bigint = $3::bigint THEN 'stored'"
    "              WHEN actor_role > 'moderator' THEN 'role_required'"
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
    "  SELECT *, 'ban'::public.event_kind AS happened, $9::text::json AS body,"
    "         CASE WHEN subject_role <> 'left' THEN -1 ELSE 0 END AS step,"
    "         CASE WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN id IS NULL THEN 'no_room'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN kind = 'direct' OR $2::bigint = $3::bigint THEN 'not_possible'"
    "              WHEN actor_role > 'moderator' THEN 'role_required'"
    "              WHEN user_id IS NULL THEN 'unknown_user'"
    "              WHEN subject_role <> 'left' AND actor_role >= subject_role THEN 'role_required'"
    "              WHEN $7::timestamptz <= statement_timestamp() THEN 'over'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), over AS ("
    "  DELETE FROM {lane}.bans WHERE room_id = $1::bigint AND user_id <> $3::bigint AND until <= statement_timestamp()"
    "  AND EXISTS (SELECT 1 FROM judged WHERE outcome = 'stored')"
    "), ban AS ("
    "  INSERT INTO {lane}.bans (room_id, user_id, by_id, until, reason, created_at)"
    "  SELECT id, $3::bigint, $2::bigint, $7::timestamptz, $8::text, statement_timestamp() FROM judged WHERE outcome = 'stored'"
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
    "         CASE WHEN old_seq IS NOT NULL THEN 'repeated'"
    "              WHEN id IS NULL THEN 'no_room'"
    "              WHEN actor_role IS NULL OR actor_role = 'left' THEN 'not_member'"
    "              WHEN actor_role > 'moderator' THEN 'role_required'"
    "              WHEN NOT banned THEN 'unchanged'"
    "              ELSE 'stored' END AS outcome"
    "  FROM facts"
    "), lifted AS ("
    "  DELETE FROM {lane}.bans b USING judged j WHERE j.outcome = 'stored' AND b.room_id = j.id AND b.user_id = $3::bigint"
    "), changed AS (SELECT m.* FROM {lane}.members m WHERE false)" CHANGE_WRITES};

const struct db_statement create_room = {
    "create_room",
    "WITH known AS MATERIALIZED ("
    "  SELECT count(*) = cardinality($6::bigint[]) AS all_known"
    "  FROM unnest($6::bigint[]) AS m (id) JOIN public.users u ON u.id = m.id"
    "), made AS ("
    "  INSERT INTO {lane}.rooms (id, kind, name, slug, created_by, created_at, member_count, "
    "peer_a, peer_b)"
    "  SELECT $1::bigint, $2::text::public.room_kind, $3::text, $4::text, $5::bigint, "
    "statement_timestamp(),"
    "         cardinality($6::bigint[]), $11::bigint, $12::bigint"
    "  FROM known WHERE all_known ON CONFLICT (id) DO NOTHING RETURNING id, created_at"
    "), joined AS ("
    "  INSERT INTO {lane}.members (room_id, user_id, role, joined_at, seq, message_no, changed_at)"
    "  SELECT r.id, m.id, (CASE WHEN ord = 1 AND $2::text <> 'direct' THEN 'owner' ELSE 'member' "
    "END)::public.member_role,"
    "         r.created_at, 1 + ord, 0, r.created_at"
    "  FROM made r, unnest($6::bigint[]) WITH ORDINALITY AS m (id, ord) RETURNING *"
    "), stored AS ("
    "  INSERT INTO {lane}.events (room_id, seq, kind, sender_id, nonce, digest, subject_id, body, "
    "message_no, created_at)"
    "  SELECT r.id, 1, 'room'::public.event_kind, $5::bigint, ($7::bytea[])[1], ''::bytea, NULL, "
    "$10::text::json, 0, r.created_at FROM made r"
    "  UNION ALL"
    "  SELECT r.id, j.seq, 'join'::public.event_kind, $5::bigint, ($7::bytea[])[j.seq], ''::bytea, "
    "j.user_id,"
    "         json_build_object('role', j.role), 0, r.created_at FROM made r, joined j"
    "  RETURNING *"
    "), told AS ("
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"
    "  SELECT $8::bigint, $9::bigint, json_agg(json_build_array(room_id, seq) ORDER BY seq) FROM "
    "stored HAVING count(*) > 0"
    ") "
    "SELECT CASE WHEN NOT k.all_known THEN 'unknown_user' WHEN e.room_id IS NULL THEN 'unchanged' ELSE 'stored' END,"
    "       $2::text, " EVENT_COLUMNS ", " MEMBERSHIP_COLUMNS("c")
    ", NULL FROM known k LEFT JOIN stored e ON true LEFT JOIN joined c ON c.user_id = e.subject_id" EVENT_JOINS "ORDER BY e.seq"};

const struct db_statement move_cursors = {
    "move_cursors",
    "WITH inp AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[])"
    "  WITH ORDINALITY AS t (room_id, user_id, seq, force, ord)"
    "), judged AS MATERIALIZED ("
    "  SELECT i.*, r.kind, m.role, m.seq AS old_seq, m.message_no AS old_no, m.changed_at,"
    "         l.message_no AS last_no, coalesce(e.message_no, 0) AS new_no,"
    "         CASE WHEN r.id IS NULL THEN 'no_room'"
    "              WHEN m.role IS NULL OR m.role = 'left' THEN 'not_member'"
    "              WHEN i.seq > l.seq THEN 'beyond_last'"
    "              WHEN i.seq = m.seq OR (i.seq < m.seq AND NOT i.force) THEN 'unchanged'"
    "              ELSE 'stored' END AS outcome"
    "  FROM inp i LEFT JOIN {lane}.rooms r ON r.id = i.room_id"
    "  LEFT JOIN LATERAL (SELECT seq, message_no FROM {lane}.events WHERE room_id = i.room_id"
    "                     ORDER BY seq DESC LIMIT 1) l ON true"
    "  LEFT JOIN {lane}.members m ON m.room_id = i.room_id AND m.user_id = i.user_id"
    "  LEFT JOIN {lane}.events e ON e.room_id = i.room_id AND e.seq = i.seq"
    "), moved AS ("
    "  UPDATE {lane}.members m SET seq = j.seq, message_no = j.new_no,"
    "         changed_at = greatest(statement_timestamp(), m.changed_at + interval '1 microsecond')"
    "  FROM judged j WHERE j.outcome = 'stored' AND m.room_id = j.room_id AND m.user_id = j.user_id"
    "  RETURNING m.*"
    "), told AS ("
    "  INSERT INTO {lane}.outbox (incarnation, number, entries)"
    "  SELECT $5::bigint, $6::bigint, json_agg(json_build_array(room_id, 0, user_id)) FROM moved "
    "HAVING count(*) > 0"
    ") "
    "SELECT j.outcome, coalesce(v.seq, j.old_seq), coalesce(v.message_no, j.old_no), "
    "coalesce(v.changed_at, j.changed_at),"
    "       j.last_no, j.kind::text, " MEMBERSHIP_COLUMNS("v")
    " FROM judged j LEFT JOIN moved v ON v.room_id = j.room_id AND v.user_id = j.user_id ORDER BY "
    "j.ord"};

const struct db_statement mark_outbox = {
    "mark_outbox", "DELETE FROM {lane}.outbox o USING unnest($2::bigint[]) AS n (number) "
                   "WHERE o.incarnation = $1::bigint AND o.number = n.number"};
