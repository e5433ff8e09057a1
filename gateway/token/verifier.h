/*
 * verifier: whether a token may be believed: its signature, its times, whom it is for; and what it
 * then says. One for tokens of connections, and one more for those of subscriptions where these
 * have keys of their own.
 *
 * Never changes, but for the key set at a URL, which locks: loops share it. Nothing here blocks.
 */
#pragma once

#include "gateway/token/claims.h"
#include "gateway/token/jwks.h"

#define VERIFIER_WHY_BYTES 256

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_EXPIRED,     /* or not valid yet; else it is good: error 109 */
    TOKEN_BAD,         /* also when there is no key for it */
    TOKEN_WAIT,        /* its key may come with the next key set: ask again when that was fetched */
    TOKEN_UNAVAILABLE, /* its key is not known, and the key set cannot be fetched now */
};

/* Centrifugo's options by their names; a text that is NULL or empty is not given. Copied. */
struct verifier_config {
    char *hmac_secret_key, *hmac_previous_secret_key;
    int64_t hmac_previous_valid_until_s;     /* Unix time; 0: no end */
    char *rsa_public_key, *ecdsa_public_key; /* PEM */
    char *jwks_public_endpoint;              /* http:// or https:// */
    char *audience, *audience_regex, *issuer, *issuer_regex;
    char *user_id_claim;
    bool skip_signature; /* the signature alone is not checked: for tests of the operator's */
};

/* NULL: `why` names the option and what is wrong with it. Without any key every token is bad. */
MUST_CHECK struct verifier *verifier_create(const struct verifier_config *config,
                                            char why[VERIFIER_WHY_BYTES]);
void verifier_destroy(struct verifier *verifier); /* NULL does nothing */

/* The key set at the URL, which somebody must fetch when it wants so; NULL: there is none. */
struct jwks *verifier_jwks(struct verifier *verifier);

/*
 * `now_us` is clock_wall_us(). `out` is filled in with TOKEN_GOOD alone, and then the caller's to
 * fini; else it is empty. After a fetch of the key set ask once more; what then still waits is bad.
 */
MUST_CHECK enum token_verdict verifier_connect(struct verifier *verifier, struct text token,
                                               int64_t now_us, struct connect_token *out);
MUST_CHECK enum token_verdict verifier_subscribe(struct verifier *verifier, struct text token,
                                                 int64_t now_us, struct subscribe_token *out);
