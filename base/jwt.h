/*
 * jwt: signing and checking of compact JWS tokens (RFC 7515, 7519): HS, RS and ES 256, 384, 512,
 * and EdDSA with Ed25519. These files (base/jwt*.c) are the only ones that know OpenSSL's keys. Any
 * thread.
 *
 * A token is checked in steps, since its header says which key is meant:
 * jwt_take_apart() -> the caller chooses a key -> jwt_check_signature() -> jwt_read_claims() ->
 * jwt_check_claims(). With one secret jwt_verify() does all of it.
 */
#pragma once

#include <regex.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/jwt_key.h"
#include "base/text.h"

#define JWT_TOKEN_MAX  8192  /* bytes, of jwt_verify(): a token in an HTTP header */
#define JWT_LENGTH_MAX 65536 /* of any token */
#define JWT_CLAIMS_MAX 256   /* names at the top */

/* Appends the token over `payload` (a JSON object) with HS256. */
void jwt_sign(struct buf *out, struct text payload, struct text key);

/* What is wrong with a token. */
enum jwt_fault {
    JWT_GOOD,
    JWT_NO_TOKEN,   /* not three parts of base64url, or too long */
    JWT_BAD_HEADER, /* no JSON object with an `alg`, names doubled, `crit`, a bad `kid` */
    JWT_WRONG_KEY,  /* the key does not do the token's algorithm */
    JWT_BAD_SIGNATURE,
    JWT_BAD_PAYLOAD, /* no JSON object, names doubled, too many */
    JWT_BAD_DATE,    /* `exp` or `nbf` is no number */
    JWT_WRONG_AUDIENCE,
    JWT_WRONG_ISSUER,
    JWT_EARLY,   /* `nbf` has not come; all else is good, but maybe `exp` */
    JWT_EXPIRED, /* `exp` has passed; all else is good */
};
const char *jwt_fault_text(enum jwt_fault fault); /* "the signature is not that of the key" */

struct jwt {
    enum jwt_algorithm algorithm;           /* JWT_UNKNOWN: one that is not known here, or none */
    char key_id[JWT_KEY_ID_MAX + 1];        /* `kid`; empty: none */
    struct text header, payload, signature; /* base64url, within the token, as is the next */
    struct text message;                    /* what is signed */
};

/* JWT_GOOD, JWT_NO_TOKEN or JWT_BAD_HEADER. `jwt` borrows the token's bytes. */
MUST_CHECK enum jwt_fault jwt_take_apart(struct jwt *jwt, struct text token);

/* JWT_GOOD, JWT_WRONG_KEY or JWT_BAD_SIGNATURE. Takes constant time with secrets. */
MUST_CHECK enum jwt_fault jwt_check_signature(const struct jwt *jwt, const struct jwt_key *key);

/*
 * `payload` holds the decoded claims and `claims` points into it; both are the caller's to fini,
 * always. JWT_GOOD, JWT_NO_TOKEN or JWT_BAD_PAYLOAD.
 */
MUST_CHECK enum jwt_fault jwt_read_claims(const struct jwt *jwt, struct buf *payload,
                                          struct json *claims);

struct jwt_rules {
    struct text key;      /* for jwt_verify() alone: HMAC key; at least 1 byte */
    struct text audience; /* empty = not checked; `aud` may be a string or a list */
    struct text issuer;   /* empty = not checked */
    const regex_t *audience_regex, *issuer_regex; /* likewise, NULL = not checked */
    int64_t now_us;                               /* clock_wall_us() */
    int leeway_s;                                 /* for `exp` and `nbf` */
};

/* JWT_BAD_DATE and what follows it. Strings over 1 KiB match no regex. */
MUST_CHECK enum jwt_fault jwt_check_claims(struct json_value claims, const struct jwt_rules *rules);

/* A claim that is a NumericDate (RFC 7519 2): seconds, maybe with a fraction, which is cut off;
 * absent = `fallback`. False: it is none, or absurd. */
MUST_CHECK bool jwt_read_date(struct json_value claim, int64_t fallback, int64_t *seconds);

/* Appends what a part (`header`, `payload`) says; false: it is no base64url. */
MUST_CHECK bool jwt_read_part(struct text part, struct buf *out);

/*
 * All steps with the secret `rules->key`: HS256, HS384 or HS512. On ERR_OK `payload` holds the
 * decoded claims and `claims` points into it; both are the caller's to fini, always.
 * ERR_TOKEN_EXPIRED: signature good, `exp` passed (claims are readable). ERR_BAD_TOKEN: all else.
 */
MUST_CHECK enum err jwt_verify(struct text token, const struct jwt_rules *rules,
                               struct buf *payload, struct json *claims);
