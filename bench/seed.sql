-- People and rooms for one measurement of sends, made from nothing each time, so that every sample starts with the same tables.
-- psql variables: people, rooms, members (of each room), hot_messages and messages (in the hot room, in each other one), hot_file,
-- many_file (see senders.h). Lanes must exist.
-- One hot room in lane 0 with everybody in it; `rooms` rooms, spread over all lanes.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = error;
SET synchronous_commit = off;
BEGIN;

TRUNCATE public.users, public.sessions, public.ended_sessions, public.room_names CASCADE;

CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT n, public.next_id(0) AS id, public.next_id(0) AS session_id FROM generate_series(0, :people - 1) AS n;
INSERT INTO public.users (id, login, name, password_hash) SELECT id, 'bench-' || n, 'Bench ' || n, '' FROM people;
INSERT INTO public.sessions (id, user_id, device) SELECT session_id, id, 'bench' FROM people;

CREATE TEMP TABLE spots ON COMMIT DROP AS -- room 0 is the hot one
SELECT n, CASE WHEN n = 0 THEN 0 ELSE l.number END AS lane, public.next_id(CASE WHEN n = 0 THEN 0 ELSE l.number END) AS id
FROM generate_series(0, :rooms) AS n
JOIN (SELECT number, row_number() OVER (ORDER BY number) - 1 AS place, count(*) OVER () AS lanes FROM public.lanes) AS l
  ON l.place = n % l.lanes;

CREATE TEMP TABLE seats ON COMMIT DROP AS -- ord 1 is the creator
SELECT s.id AS room_id, s.lane, p.id AS user_id, p.n AS person, row_number() OVER (PARTITION BY s.id ORDER BY p.n) AS ord
FROM spots s JOIN people p
  ON s.n = 0 OR (p.n - s.n * 7 - s.n / 16) % (:people / :members) = 0;
ANALYZE seats;

SELECT format($sql$
    TRUNCATE %1$s.rooms, %1$s.members, %1$s.events, %1$s.outbox, %1$s.mentions, %1$s.reactions, %1$s.pins, %1$s.revisions,
             %1$s.words, %1$s.searchable, %1$s.search_queue;
    INSERT INTO %1$s.rooms (id, kind, name, created_by, created_at, member_count)
    SELECT room_id, 'private', 'bench', min(user_id) FILTER (WHERE ord = 1), now(), count(*)
    FROM seats WHERE lane = %2$s GROUP BY room_id;
    INSERT INTO %1$s.members (room_id, user_id, role, joined_at, seq, message_no, changed_at)
    SELECT room_id, user_id, (CASE ord WHEN 1 THEN 'owner' ELSE 'member' END)::public.member_role, now(), 1 + ord, 0, now()
    FROM seats WHERE lane = %2$s;
    INSERT INTO %1$s.events (room_id, seq, kind, sender_id, nonce, digest, subject_id, body, message_no, room_mention_no, created_at)
    SELECT id, 1, 'room'::public.event_kind, created_by, uuid_send(gen_random_uuid()), ''::bytea, NULL::bigint, '{}'::json, 0, 0, now() FROM %1$s.rooms
    UNION ALL
    SELECT s.room_id, 1 + s.ord, 'join', r.created_by, uuid_send(gen_random_uuid()), '', s.user_id,
           json_build_object('role', CASE s.ord WHEN 1 THEN 'owner' ELSE 'member' END), 0, 0, now()
    FROM seats s JOIN %1$s.rooms r ON r.id = s.room_id WHERE s.lane = %2$s;
    INSERT INTO %1$s.events (room_id, seq, kind, sender_id, nonce, digest, body, message_no, room_mention_no, created_at)
    SELECT r.id, 1 + r.member_count + no, 'message', r.created_by, decode(lpad(to_hex(no), 32, '0'), 'hex'), '',
           json_build_object('nonce', to_hex(no), 'text', repeat('x', 128)), no, 0, now() + no * interval '1 millisecond'
    FROM spots s JOIN %1$s.rooms r ON r.id = s.id, generate_series(1, CASE s.n WHEN 0 THEN %3$s ELSE %4$s END) AS no;
    $sql$, 'lane_' || to_char(number, 'FM000'), number, :hot_messages, :messages)
FROM public.lanes ORDER BY number
\gexec

\o :hot_file
SELECT p.id, p.session_id, s.id FROM people p, spots s WHERE s.n = 0 ORDER BY p.n;
\o :many_file
SELECT p.id, p.session_id, string_agg(s.room_id::text, ' ' ORDER BY s.room_id)
FROM people p JOIN seats s ON s.person = p.n JOIN spots r ON r.id = s.room_id
WHERE r.n > 0 GROUP BY p.n, p.id, p.session_id ORDER BY p.n;
\o
COMMIT;
VACUUM ANALYZE;
