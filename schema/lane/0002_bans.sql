-- Who may not be in a room. A ban outlives the membership that it ends, and ends by itself at `until`.
CREATE TABLE {lane}.bans (
    room_id    bigint NOT NULL,
    user_id    bigint NOT NULL,
    by_id      bigint NOT NULL,
    until      timestamptz, -- NULL: for good
    reason     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX bans_by_end ON {lane}.bans (room_id, until) WHERE until IS NOT NULL; -- serves ban_member, which forgets those that are over
