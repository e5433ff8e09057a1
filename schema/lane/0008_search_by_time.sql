-- A room's words by time: what is common in a large room is found by walking back from its newest message, not by sorting all that has it.
CREATE INDEX words_by_time ON {lane}.words (room_id, created_at, seq); -- serves search_words
