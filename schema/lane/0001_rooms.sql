-- One lane: rooms that live together, their members and their logs. {lane} is the schema's name.
CREATE SCHEMA IF NOT EXISTS {lane};

CREATE TABLE {lane}.rooms (
    id           bigint PRIMARY KEY,
    kind         public.room_kind NOT NULL,
    name         text NOT NULL,
    slug         text,
    about        text NOT NULL DEFAULT '',
    created_by   bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    member_count integer NOT NULL CONSTRAINT rooms_member_count_is_real CHECK (member_count >= 0),
    peer_a       bigint, -- direct rooms: the two people
    peer_b       bigint,
    version      bigint NOT NULL DEFAULT 1
);
CREATE INDEX rooms_public ON {lane}.rooms (id) WHERE kind = 'public'; -- serves select_public_rooms
-- A send locks its room and never updates it: under an old snapshot an updated hot row costs 20 times the speed.

-- One row per person and room: what they may do, how far they have read, how loud it is.
-- unread = the room's message_no - message_no here; who left stays as a tombstone (role 'left').
CREATE TABLE {lane}.members (
    room_id      bigint NOT NULL,
    user_id      bigint NOT NULL,
    role         public.member_role NOT NULL,
    silent_until timestamptz,
    joined_at    timestamptz NOT NULL,
    seq          bigint NOT NULL CONSTRAINT members_seq_positive CHECK (seq >= 0),
    message_no   bigint NOT NULL,
    notify       public.notify_level NOT NULL DEFAULT 'all',
    muted_until  timestamptz,
    pinned_at    timestamptz,
    archived_at  timestamptz,
    changed_at   timestamptz NOT NULL, -- grows with every change of the row, also when the clock does not
    PRIMARY KEY (room_id, user_id)
) WITH (fillfactor = 70);
-- Without changed_at, so that moving a cursor stays a HOT update. Serves select_my_rooms, select_changes.
CREATE INDEX members_by_user ON {lane}.members (user_id);

-- A room's log: everything that happened, 1, 2, 3 ... without holes. The next seq is the last row's + 1, read under the lock of
-- the room's row.
CREATE TABLE {lane}.events (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL CONSTRAINT events_seq_positive CHECK (seq > 0),
    kind       public.event_kind NOT NULL,
    sender_id  bigint NOT NULL,
    nonce      bytea NOT NULL, -- 16 bytes: hash of the client's id of the send, or random
    digest     bytea NOT NULL, -- 16 bytes: hash of what was asked; never changed: tells a repeat from a reuse
    target_seq bigint,
    subject_id bigint,         -- member events: whom it is about
    body       json NOT NULL,
    message_no bigint NOT NULL, -- messages up to and including this row
    created_at timestamptz NOT NULL,
    edited_at  timestamptz,
    deleted_at timestamptz,
    version    bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (room_id, seq)
);
CREATE UNIQUE INDEX events_nonce_is_unique ON {lane}.events (room_id, sender_id, nonce);
CREATE INDEX events_messages ON {lane}.events (room_id, seq) WHERE kind = 'message'; -- serves history and last messages

-- What a batch still owes after its commit: publish these events, redo these cache writes. Rows go when it is done; those of an API
-- that died (its advisory lock is free) are done by who finds them.
CREATE TABLE {lane}.outbox (
    incarnation bigint NOT NULL,
    number      bigint NOT NULL,
    entries     json NOT NULL, -- [[room, seq], ...]; a cursor: [room, 0, user]
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (incarnation, number)
);
