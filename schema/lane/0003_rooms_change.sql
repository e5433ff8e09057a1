-- Rooms are changed and deleted. `version` goes on ordering copies of the row (caches); `edition` counts what a change of the room's
-- settings changes: it is the version that clients see and name in If-Match, and a join does not spoil it.
ALTER TABLE {lane}.rooms ADD edition bigint NOT NULL DEFAULT 1;

-- A deleted room keeps its row, its last event, and its number for ever. Memberships and events go afterwards, piece by piece.
ALTER TABLE {lane}.rooms ADD deleted_at timestamptz;
ALTER TABLE {lane}.rooms ADD cleared_at timestamptz; -- when all of that had gone
CREATE INDEX rooms_to_clear ON {lane}.rooms (id) WHERE deleted_at IS NOT NULL AND cleared_at IS NULL; -- serves select_deleted
