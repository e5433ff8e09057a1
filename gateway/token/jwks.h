/*
 * jwks: the public keys that an identity provider shows at a URL (RFC 7517 5), kept and renewed.
 *
 * Passive: it says when the set should be fetched and takes the answer; others speak HTTP. The set
 * is fetched when a token names a key that is not in it (providers change keys and start to use new
 * ones at once), at most once a second, and when it is an hour old. What is there stays good until
 * a newer set has come, however often fetching fails.
 *
 * Any thread. `now_ms` is clock_mono_ms() of the time of the call.
 */
#pragma once

#include "base/jwt_key.h"

#define JWKS_KEYS_MAX    100
#define JWKS_BODY_MAX    1048576 /* bytes; ask the fetcher for no more */
#define JWKS_INTERVAL_MS 1000    /* between the end of one fetch and the next */
#define JWKS_AGE_MAX_MS  3600000

struct jwks;

struct jwks *jwks_create(const char *url);
void jwks_destroy(struct jwks *jwks); /* no fetch may be under way; NULL does nothing */
const char *jwks_url(const struct jwks *jwks);

enum jwks_answer {
    JWKS_FOUND,
    JWKS_NONE,        /* the set is as new as can be and has no such key */
    JWKS_WAIT,        /* a fetch is under way or wanted: ask again when it is done */
    JWKS_UNAVAILABLE, /* it has failed less than a second ago */
};

/*
 * The key with this `kid` that does `algorithm`; without a `kid` ("") the only key that does it,
 * and none where there are several. JWKS_FOUND: `*key` is a reference, the caller's to unref.
 */
MUST_CHECK enum jwks_answer jwks_find(struct jwks *jwks, struct text kid,
                                      enum jwt_algorithm algorithm, int64_t now_ms,
                                      struct jwt_key **key);

/* Did the last fetch fail? For logs: a provider that is down stays so for a while. */
bool jwks_has_failed(struct jwks *jwks);

/* Should jwks_fetch_begin() be called? Cheap: for every token, and for a tick. */
bool jwks_wants_fetch(struct jwks *jwks, int64_t now_ms);

/* True: the caller fetches jwks_url() with GET now, and calls jwks_fetch_done() once. False: it is
 * not wanted any more, maybe since another thread was faster. */
MUST_CHECK bool jwks_fetch_begin(struct jwks *jwks, int64_t now_ms);

/*
 * The answer; `status` 0 when there was none. Takes the keys of a 200 with a set in which at least
 * one key is good for us; secrets (`oct`) never are, since anybody may fetch it.
 */
void jwks_fetch_done(struct jwks *jwks, int status, struct text body, int64_t now_ms);
