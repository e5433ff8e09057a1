-- Rooms may stand in a group: under a topic of it, at a place. A private room that is open to the group is entered by its members.
ALTER TABLE {lane}.rooms ADD group_id bigint;
ALTER TABLE {lane}.rooms ADD topic_id bigint; -- of that group; one that is gone is none
ALTER TABLE {lane}.rooms ADD position integer;
ALTER TABLE {lane}.rooms ADD open_to_group boolean NOT NULL DEFAULT false
    CONSTRAINT rooms_open_to_a_group CHECK (group_id IS NOT NULL OR NOT open_to_group);
CREATE INDEX rooms_by_group ON {lane}.rooms (group_id, id) WHERE group_id IS NOT NULL AND deleted_at IS NULL; -- serves select_group_rooms
