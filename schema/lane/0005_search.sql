-- Search. What messages say is read from the log in the background (api/log/search_index.c): within a send it would cost five times what
-- the send does. Searches read the rest of the log themselves, so that what was sent, edited or deleted a moment ago is right at once.

-- The words of messages; of a room that it is in (' 7', which no word of a text is), too: one index serves few rooms and many.
CREATE TABLE {lane}.words (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    sender_id  bigint NOT NULL,
    created_at timestamptz NOT NULL,
    edited_at  timestamptz, -- of the text that was read: whatever else the message says now is found in the rest of the log
    words      tsvector NOT NULL,
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX words_by_word ON {lane}.words USING gin (words); -- serves search_words

-- How far a room's log was read, and for which language.
CREATE TABLE {lane}.searchable (
    room_id  bigint PRIMARY KEY,
    seq      bigint NOT NULL,
    language text NOT NULL
);

-- Rooms of which there is more to be read: outbox rows that are done.
CREATE TABLE {lane}.search_queue (
    entries json NOT NULL -- [[room, seq], ...]
);
INSERT INTO {lane}.search_queue (entries)
SELECT json_agg(json_build_array(id, 1)) FROM (SELECT id, row_number() OVER () / 100 AS part FROM {lane}.rooms) r GROUP BY part;
