-- People are found by what resembles their login or name, too.
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public; -- of Debian's package postgresql-15 itself; "trusted": the database's owner may

CREATE INDEX users_like_login ON users USING gin (login gin_trgm_ops); -- serve search_users
CREATE INDEX users_like_name ON users USING gin (lower(name) gin_trgm_ops);
