-- What one person has made of another: a contact, somebody blocked, both, or (a trace of) neither any more.
CREATE TABLE relations (
    user_id    bigint NOT NULL REFERENCES users (id),
    other_id   bigint NOT NULL REFERENCES users (id) CONSTRAINT relations_is_with_others CHECK (other_id <> user_id),
    is_contact boolean NOT NULL,
    is_blocked boolean NOT NULL,
    changed_at timestamptz NOT NULL, -- grows with every change of the row, also when the clock does not
    PRIMARY KEY (user_id, other_id)
);
CREATE INDEX relations_contacts ON relations (user_id, other_id) WHERE is_contact; -- serve list_related, count them
CREATE INDEX relations_blocks ON relations (user_id, other_id) WHERE is_blocked;
CREATE INDEX relations_by_change ON relations (user_id, changed_at); -- serves select_relation_changes
