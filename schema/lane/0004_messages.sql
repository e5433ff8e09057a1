-- What becomes of messages once they are sent: edits, reactions, pins; and whom they mention.

ALTER TABLE {lane}.events ADD reactions json; -- of a message: [{"emoji", "count"}] by emoji, as {lane}.reactions has them; NULL: none
-- Messages up to and including this row that mention the whole room. Who writes an event says it: it goes on from the row before. For an API
-- of the version before, which does not say it and knows no mentions, the database goes on: it may run until all are replaced.
ALTER TABLE {lane}.events ADD room_mention_no bigint NOT NULL DEFAULT 0;
ALTER TABLE {lane}.events ALTER room_mention_no DROP DEFAULT;
CREATE FUNCTION {lane}.go_on_counting_mentions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.room_mention_no := coalesce((SELECT room_mention_no FROM {lane}.events WHERE room_id = NEW.room_id ORDER BY seq DESC LIMIT 1), 0);
    RETURN NEW;
END
$$;
CREATE TRIGGER go_on_counting_mentions BEFORE INSERT ON {lane}.events FOR EACH ROW
    WHEN (NEW.room_mention_no IS NULL) EXECUTE FUNCTION {lane}.go_on_counting_mentions();

-- What is unread and mentions somebody: `mentions` here + the room's room_mention_no - room_mention_no here.
ALTER TABLE {lane}.members ADD mentions bigint NOT NULL DEFAULT 0; -- rows of {lane}.mentions beyond the cursor
ALTER TABLE {lane}.members ADD room_mention_no bigint NOT NULL DEFAULT 0; -- of the event that the cursor is at

-- Messages that mention somebody by name (but not the whole room, too). Rows stay when the message is deleted, as its number does.
CREATE TABLE {lane}.mentions (
    room_id bigint NOT NULL,
    user_id bigint NOT NULL,
    seq     bigint NOT NULL,
    PRIMARY KEY (room_id, user_id, seq)
);

-- What an edited message said before: one row for each version but the present one. Gone with the message's deletion.
CREATE TABLE {lane}.revisions (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    version    bigint NOT NULL,
    text       text NOT NULL,
    created_at timestamptz NOT NULL, -- since when it was the message's text
    PRIMARY KEY (room_id, seq, version)
);

CREATE TABLE {lane}.reactions (
    room_id bigint NOT NULL,
    seq     bigint NOT NULL,
    emoji   text COLLATE "C" NOT NULL,
    user_id bigint NOT NULL,
    PRIMARY KEY (room_id, seq, emoji, user_id)
);
CREATE INDEX reactions_by_user ON {lane}.reactions (room_id, user_id, seq); -- serves select_my_reactions

CREATE TABLE {lane}.pins (
    room_id   bigint NOT NULL,
    seq       bigint NOT NULL,
    pinned_by bigint NOT NULL,
    pinned_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq)
);
