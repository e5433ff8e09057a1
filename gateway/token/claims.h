/*
 * claims: what the payload of a token says, of a connection (reference 10.1) or of one subscription
 * (10.2). Whether the token may be believed is the verifier's business.
 *
 * A claim that is null counts as absent. All texts live in the token's own arena, until its fini.
 * JSON comes without spaces between: frames of JSON end at a newline. Any thread, one at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "gateway/channels/sub_override.h"
#include "gateway/token/caps.h"

#define CLAIMS_USER_MAX 255  /* bytes */
#define CLAIMS_ID_MAX   255  /* of `jti` */
#define CLAIMS_SUBS_MAX 1000 /* server-side subscriptions of one token */

/* A server-side subscription. */
struct token_sub {
    struct text channel, info, data; /* `info`, `data`: JSON, or bytes; empty: none */
    bool info_is_binary, data_is_binary;
    struct sub_override override;
    /* What a connect proxy says alone. */
    int64_t expires_s; /* Unix time; 0: never */
    bool cache_recover;
};

struct connect_token {
    struct arena arena;
    struct text user; /* empty: anonymous */
    int64_t
        session; /* `sid`; 0: none, or one that is no number of ours (OpenID Connect has another) */
    bool expires;
    int64_t expires_s; /* when the connection ends: `expire_at`, else `exp`; Unix time */
    struct text info;  /* JSON, or bytes; empty: none */
    bool info_is_binary;
    struct text meta;       /* a JSON object; empty: none */
    struct token_sub *subs; /* of `subs`, else of `channels`; each channel once */
    size_t sub_count;
    struct token_caps caps;
    bool has_caps; /* an empty list allows nothing */
    struct text jti;
    int64_t issued_s; /* `iat`; 0: not said */
};

struct subscribe_token {
    struct arena arena;
    struct text user;
    bool has_user;
    struct text channel; /* never empty */
    struct text client;  /* the only connection that it is for; empty: any */
    bool expires;
    int64_t expires_s;
    struct text info, data;
    bool info_is_binary, data_is_binary;
    struct sub_override override;
    struct text jti;
    int64_t issued_s;
};

/*
 * `user_claim` says who it is instead of `sub`; NULL or "": `sub` does. False: `why` says what is
 * wrong, and the token is empty. A connection token must not have `channel`, a subscription token
 * must.
 */
MUST_CHECK bool connect_token_read(struct connect_token *token, struct json_value claims,
                                   const char *user_claim, const char **why);
void connect_token_fini(struct connect_token *token); /* `token` is all zero afterwards */

MUST_CHECK bool subscribe_token_read(struct subscribe_token *token, struct json_value claims,
                                     const char *user_claim, const char **why);
void subscribe_token_fini(struct subscribe_token *token);
