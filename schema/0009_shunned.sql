CREATE INDEX relations_blocked_by ON relations (other_id, user_id) WHERE is_blocked; -- serves select_shunned
