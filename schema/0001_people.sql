-- People, sessions, names of rooms, lanes: all that belongs to no single lane.

-- One row: who this database is. `word` is part of the epoch of every stream (with PostgreSQL's timeline), so that a
-- restored backup or a promotion voids all positions. `cache_generation` is part of every Redis key; raising it voids the cache.
CREATE TABLE installation (
    only_row         boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_is_one CHECK (only_row),
    word             text NOT NULL,
    cache_generation bigint NOT NULL DEFAULT 1,
    last_ended       bigint NOT NULL DEFAULT 0 -- number of the newest row of ended_sessions
);
INSERT INTO installation (word) VALUES (substr(md5(gen_random_uuid()::text), 1, 8));

CREATE TABLE lanes (
    number     integer PRIMARY KEY CONSTRAINT lanes_number_fits_ids CHECK (number BETWEEN 0 AND 1023),
    version    integer NOT NULL, -- files of schema/lane applied
    created_at timestamptz NOT NULL DEFAULT now()
);

-- 63 bits: milliseconds since 2024 (41), lane (10), counter (12). Time-ordered; who sees an id knows its lane.
CREATE SEQUENCE id_counter CYCLE MAXVALUE 4095 MINVALUE 0 START 0; -- no CACHE: two backends could share a block after a cycle
CREATE FUNCTION next_id(lane integer) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 22)
           | (lane::bigint << 12)
           | nextval('public.id_counter')
$$;

CREATE TYPE room_kind AS ENUM ('direct', 'private', 'public');
CREATE TYPE member_role AS ENUM ('owner', 'admin', 'moderator', 'member', 'left');
CREATE TYPE notify_level AS ENUM ('all', 'mentions', 'none');
CREATE TYPE event_kind AS ENUM ('room', 'message', 'edit', 'delete', 'reaction', 'pin', 'unpin', 'join', 'leave', 'kick',
                                'ban', 'unban', 'role');

CREATE TABLE users (
    id            bigint PRIMARY KEY,
    login         text NOT NULL CONSTRAINT users_login_is_unique UNIQUE,
    name          text NOT NULL,
    about         text NOT NULL DEFAULT '',
    email         text,
    password_hash text NOT NULL, -- Argon2id, as libsodium writes it
    is_bot        boolean NOT NULL DEFAULT false,
    version       bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX users_by_login ON users (login text_pattern_ops);      -- serve search_users
CREATE INDEX users_by_name ON users (lower(name) text_pattern_ops);

-- A signed-in device, and its family of refresh tokens. A token is (session, generation, MAC): none is stored.
CREATE TABLE sessions (
    id           bigint PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES users (id),
    device       text NOT NULL DEFAULT '',
    ip           text NOT NULL DEFAULT '',
    generation   bigint NOT NULL DEFAULT 1, -- of the newest refresh token
    rotated_at   timestamptz NOT NULL DEFAULT now(), -- when that one was made
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
);
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE ended_at IS NULL; -- serves select_sessions

-- Sessions that ended lately, numbered under the lock of `installation` (a sequence's order is not the order of commits).
-- Kept for one life of an access token; every API and gateway reads on from the last number that it has.
CREATE TABLE ended_sessions (
    number     bigint PRIMARY KEY,
    session_id bigint NOT NULL,
    user_id    bigint NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT now()
);

-- Unique names of rooms, reserved before the room is made: 'slug:tea', 'direct:3:7' (smaller user id first).
-- Who finds a name without its room makes that room.
CREATE TABLE room_names (
    name    text PRIMARY KEY,
    room_id bigint NOT NULL
);
