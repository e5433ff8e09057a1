/*
 * jwt: signing and checking of compact JWS tokens, HS256, HS384, HS512 (RFC 7515, 7519). The only file
 * that knows OpenSSL. Any thread.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

#define JWT_TOKEN_MAX 8192

/* Appends the token over `payload` (a JSON object) with HS256. */
void jwt_sign(struct buf *out, struct text payload, struct text key);

struct jwt_rules {
    struct text key;          /* HMAC key; at least 1 byte */
    struct text audience;     /* empty = not checked; `aud` may be a string or a list */
    struct text issuer;       /* empty = not checked */
    int64_t now_us;           /* clock_wall_us() */
    int leeway_s;             /* for `exp` and `nbf` */
};

/*
 * On ERR_OK `payload` holds the decoded claims and `claims` points into it; both are the caller's to
 * fini, always. ERR_TOKEN_EXPIRED: signature good, `exp` passed (claims are readable). ERR_BAD_TOKEN: all
 * else. `alg` must be HS256, HS384 or HS512; the comparison takes constant time.
 */
MUST_CHECK enum err jwt_verify(struct text token, const struct jwt_rules *rules, struct buf *payload,
                               struct json *claims);
