-- Whom the operator keeps out of the gateways: blocked users, revoked tokens, and lifted bans, kept until every gateway has heard.
-- Numbered under the lock of `installation`, like ended_sessions: a gateway reads on from the last number that it has.
ALTER TABLE installation ADD last_ban bigint NOT NULL DEFAULT 0; -- number of the newest row of bans

CREATE TABLE bans (
    number          bigint NOT NULL CONSTRAINT bans_number_is_unique UNIQUE,
    kind            integer NOT NULL, -- Order.Kind of bus.proto; lifting one replaces it
    who             bytea NOT NULL,   -- a user, or the jti of a token
    channel         bytea NOT NULL,   -- of REVOKE_USER: of subscriptions to it alone; else empty
    is_lifted       boolean NOT NULL,
    issued_before_s bigint NOT NULL,  -- Unix time, as the next
    expires_s       bigint NOT NULL,  -- 0: never
    PRIMARY KEY (kind, who, channel)
);

-- Orders that were carried out: a gateway asks another API when the first is slow, and the slow one must not undo what was ordered since.
CREATE TABLE ban_orders (
    id         bigint PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now() -- kept for an hour
);
