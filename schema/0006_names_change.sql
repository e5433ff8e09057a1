-- A room may change its slug. `edition` of the room for which the name was reserved: who lets go of a name lets go of what was so
-- then, and not of what somebody has reserved for the same room since.
ALTER TABLE room_names ADD edition bigint NOT NULL DEFAULT 1;
CREATE INDEX room_names_by_room ON room_names (room_id); -- serves release_names
