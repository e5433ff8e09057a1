-- Public rooms are found by what resembles their names, too. Serves select_public_rooms.
CREATE INDEX rooms_like_name ON {lane}.rooms USING gin (lower(name) public.gin_trgm_ops) WHERE kind = 'public';
