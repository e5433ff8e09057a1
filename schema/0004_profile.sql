-- What people say about themselves beyond name and about, and who sees it; who may begin to write to them.
CREATE TYPE contact_rule AS ENUM ('anyone', 'contacts');

ALTER TABLE users
    ADD email_verified   boolean NOT NULL DEFAULT false,
    ADD fields           json NOT NULL DEFAULT '{}', -- name -> text, in the order that the person gave
    ADD field_visibility json NOT NULL DEFAULT '{}', -- name of a field -> 'contacts' or 'nobody'; others are for everyone
    ADD who_may_write    contact_rule NOT NULL DEFAULT 'anyone'; -- of strangers who would open a direct room
