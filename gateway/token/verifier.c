#include "gateway/token/verifier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jwt.h"
#include "base/log.h"
#include "gateway/pattern/go_regex.h"

#define REFUSE(why, ...) (snprintf(why, VERIFIER_WHY_BYTES, __VA_ARGS__), false)

struct verifier {
    struct jwt_key *secret, *previous; /* NULL: none, as the next two */
    int64_t previous_until_s;          /* 0: no end */
    struct jwt_key *rsa, *ec;
    struct jwks *jwks; /* NULL: none */
    struct text audience, issuer;
    regex_t audience_regex, issuer_regex;
    bool has_audience_regex, has_issuer_regex;
    char *user_claim; /* NULL: `sub` */
    bool skip_signature;
};

/* ---- the options ---- */

static bool is_given(const char *option)
{
    return option != NULL && option[0] != '\0';
}

static struct jwt_key *read_secret(const char *secret)
{
    return is_given(secret) ? jwt_key_from_secret(text(secret)) : NULL;
}

static bool read_pem(struct jwt_key **key, const char *pem, const char *option,
                     enum jwt_key_type type, char *why)
{
    char reason[JWT_KEY_WHY_BYTES];

    if (!is_given(pem))
        return true;
    *key = jwt_key_from_pem(text(pem), reason);
    if (*key == NULL)
        return REFUSE(why, "%s: %s", option, reason);
    return jwt_key_type(*key) == type ||
           REFUSE(why, "%s: that is %s, not %s", option, jwt_key_type_name(jwt_key_type(*key)),
                  jwt_key_type_name(type));
}

static bool read_regex(regex_t *regex, bool *has, const char *pattern, const char *option,
                       char *why)
{
    struct buf reason = {0};

    if (!is_given(pattern))
        return true;
    *has = go_regex_compile(regex, pattern, GO_REGEX_SIZE_MAX, &reason);
    if (!*has)
        snprintf(why, VERIFIER_WHY_BYTES, "%s: %s", option, buf_cstring(&reason));
    buf_fini(&reason);
    return *has;
}

static bool read_endpoint(struct verifier *verifier, const char *url, char *why)
{
    static const char option[] = "jwks_public_endpoint";

    if (!is_given(url))
        return true;
    if (strstr(url, "{{") != NULL)
        return REFUSE(why, "%s: {{...}} of a regular expression's groups is not supported here",
                      option);
    if (!text_starts(text(url), TEXT("https://")) && !text_starts(text(url), TEXT("http://")))
        return REFUSE(why, "%s: it does not begin with https:// or http://", option);
    verifier->jwks = jwks_create(url);
    return true;
}

static struct text copy_text(const char *option)
{
    return is_given(option) ? text(xstrdup(option)) : (struct text){0};
}

struct verifier *verifier_create(const struct verifier_config *config, char why[VERIFIER_WHY_BYTES])
{
    struct verifier *verifier = xcalloc(1, sizeof(*verifier));

    verifier->secret = read_secret(config->hmac_secret_key);
    verifier->previous = read_secret(config->hmac_previous_secret_key);
    verifier->previous_until_s = config->hmac_previous_valid_until_s;
    verifier->audience = copy_text(config->audience);
    verifier->issuer = copy_text(config->issuer);
    verifier->user_claim = is_given(config->user_id_claim) ? xstrdup(config->user_id_claim) : NULL;
    verifier->skip_signature = config->skip_signature;
    if (read_pem(&verifier->rsa, config->rsa_public_key, "rsa_public_key", JWT_KEY_RSA, why) &&
        read_pem(&verifier->ec, config->ecdsa_public_key, "ecdsa_public_key", JWT_KEY_EC, why) &&
        read_regex(&verifier->audience_regex, &verifier->has_audience_regex, config->audience_regex,
                   "audience_regex", why) &&
        read_regex(&verifier->issuer_regex, &verifier->has_issuer_regex, config->issuer_regex,
                   "issuer_regex", why) &&
        read_endpoint(verifier, config->jwks_public_endpoint, why))
        return verifier;
    verifier_destroy(verifier);
    return NULL;
}

void verifier_destroy(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    jwt_key_unref(verifier->secret);
    jwt_key_unref(verifier->previous);
    jwt_key_unref(verifier->rsa);
    jwt_key_unref(verifier->ec);
    jwks_destroy(verifier->jwks);
    if (verifier->has_audience_regex)
        regfree(&verifier->audience_regex);
    if (verifier->has_issuer_regex)
        regfree(&verifier->issuer_regex);
    free((char *)verifier->audience.at);
    free((char *)verifier->issuer.at);
    free(verifier->user_claim);
    free(verifier);
}

struct jwks *verifier_jwks(struct verifier *verifier)
{
    return verifier->jwks;
}

/* ---- the signature ---- */

static bool is_signed_with(const struct jwt *jwt, const struct jwt_key *key)
{
    return key != NULL && jwt_check_signature(jwt, key) == JWT_GOOD;
}

static bool is_signed_with_own(const struct verifier *verifier, const struct jwt *jwt,
                               int64_t now_us)
{
    const bool previous =
        verifier->previous_until_s == 0 || now_us / 1000000 < verifier->previous_until_s;

    return is_signed_with(jwt, verifier->secret) ||
           (previous && is_signed_with(jwt, verifier->previous)) ||
           is_signed_with(jwt, verifier->rsa) || is_signed_with(jwt, verifier->ec);
}

static enum token_verdict check_with_set(struct jwks *jwks, const struct jwt *jwt)
{
    struct jwt_key *key = NULL;

    switch (jwks_find(jwks, text(jwt->key_id), jwt->algorithm, clock_mono_ms(), &key)) {
    case JWKS_FOUND:
        break;
    case JWKS_WAIT:
        return TOKEN_WAIT;
    case JWKS_UNAVAILABLE:
        return TOKEN_UNAVAILABLE;
    case JWKS_NONE:
        return TOKEN_BAD;
    }
    const bool good = is_signed_with(jwt, key);
    jwt_key_unref(key);
    return good ? TOKEN_GOOD : TOKEN_BAD;
}

static enum token_verdict check_signature(const struct verifier *verifier, const struct jwt *jwt,
                                          int64_t now_us)
{
    const enum jwt_key_type type = jwt_algorithm_key(jwt->algorithm);

    if (verifier->skip_signature || is_signed_with_own(verifier, jwt, now_us))
        return TOKEN_GOOD;
    /* A set has no secrets: nothing that names none, or asks for one, makes us fetch it. */
    if (verifier->jwks == NULL || type == JWT_KEY_NONE || type == JWT_KEY_SECRET)
        return TOKEN_BAD;
    return check_with_set(verifier->jwks, jwt);
}

/* ---- the rest ---- */

/* A token that is being read: its claims, once it is known whose they are. */
struct opened {
    struct buf payload;
    struct json claims;
};

static void close_token(struct opened *opened)
{
    json_fini(&opened->claims);
    buf_fini(&opened->payload);
}

static enum jwt_fault check_claims(const struct verifier *verifier, const struct opened *opened,
                                   int64_t now_us)
{
    const struct jwt_rules rules = {
        .audience = verifier->audience,
        .issuer = verifier->issuer,
        .audience_regex = verifier->has_audience_regex ? &verifier->audience_regex : NULL,
        .issuer_regex = verifier->has_issuer_regex ? &verifier->issuer_regex : NULL,
        .now_us = now_us,
    };
    return jwt_check_claims(json_root(&opened->claims), &rules);
}

/* What a developer wants to know and a client is not told; nothing of the token itself. */
static enum token_verdict refuse(const char *why)
{
    log_debug("token refused: %s", why);
    return TOKEN_BAD;
}

/* TOKEN_GOOD and TOKEN_EXPIRED: the claims are those of whoever has the key. Always close_token().
 */
static enum token_verdict open_token(const struct verifier *verifier, struct text token,
                                     int64_t now_us, struct opened *opened)
{
    struct jwt jwt;
    enum jwt_fault fault = jwt_take_apart(&jwt, token);

    *opened = (struct opened){0};
    if (fault != JWT_GOOD)
        return refuse(jwt_fault_text(fault));
    const enum token_verdict verdict = check_signature(verifier, &jwt, now_us);
    if (verdict == TOKEN_BAD)
        return refuse("it is not signed with a key that is known here");
    if (verdict != TOKEN_GOOD)
        return verdict;
    if ((fault = jwt_read_claims(&jwt, &opened->payload, &opened->claims)) == JWT_GOOD)
        fault = check_claims(verifier, opened, now_us);
    if (fault == JWT_EARLY || fault == JWT_EXPIRED)
        return TOKEN_EXPIRED;
    return fault == JWT_GOOD ? TOKEN_GOOD : refuse(jwt_fault_text(fault));
}

/* An expired token of the wrong kind is bad: with 109 the client would fetch the next of it for
 * ever. */
enum token_verdict verifier_connect(struct verifier *verifier, struct text token, int64_t now_us,
                                    struct connect_token *out)
{
    struct opened opened;
    const char *why;
    enum token_verdict verdict = open_token(verifier, token, now_us, &opened);

    *out = (struct connect_token){0};
    if ((verdict == TOKEN_GOOD || verdict == TOKEN_EXPIRED) &&
        !connect_token_read(out, json_root(&opened.claims), verifier->user_claim, &why))
        verdict = refuse(why);
    if (verdict == TOKEN_EXPIRED)
        connect_token_fini(out);
    close_token(&opened);
    return verdict;
}

enum token_verdict verifier_subscribe(struct verifier *verifier, struct text token, int64_t now_us,
                                      struct subscribe_token *out)
{
    struct opened opened;
    const char *why;
    enum token_verdict verdict = open_token(verifier, token, now_us, &opened);

    *out = (struct subscribe_token){0};
    if ((verdict == TOKEN_GOOD || verdict == TOKEN_EXPIRED) &&
        !subscribe_token_read(out, json_root(&opened.claims), verifier->user_claim, &why))
        verdict = refuse(why);
    if (verdict == TOKEN_EXPIRED)
        subscribe_token_fini(out);
    close_token(&opened);
    return verdict;
}
