/* How keys are read: PEM and JWK. What they are good for is in jwt_key.c. */
#include "base/jwt_key.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/jwt_parts.h"

#define JWK_MEMBERS_MAX  64
#define COORDINATE_MAX   66 /* bytes, of P-521 */
#define ED25519_BYTES    32
#define RSA_EXPONENT_MAX 8 /* bytes */

/* RFC 7518 3.4, 6.2.1.1: one curve, one algorithm. */
static const struct curve {
    const char *name, *openssl_name;
    enum jwt_algorithm algorithm;
    size_t bytes;
} curves[] = {
    {"P-256", "prime256v1", JWT_ES256, 32},
    {"P-384", "secp384r1", JWT_ES384, 48},
    {"P-521", "secp521r1", JWT_ES512, 66},
};

#define REFUSE(why, ...) (snprintf(why, JWT_KEY_WHY_BYTES, __VA_ARGS__), false)

/* ---- what any public key must be ---- */

static bool take_rsa(struct jwt_key *key, char *why)
{
    const int bits = EVP_PKEY_get_bits(key->public);

    key->type = JWT_KEY_RSA;
    if (bits < JWT_RSA_BITS_MIN || bits > JWT_RSA_BITS_MAX)
        return REFUSE(why, "an RSA key of %d bits; %d to %d are accepted", bits, JWT_RSA_BITS_MIN,
                      JWT_RSA_BITS_MAX);
    return true;
}

static bool is_on_curve(EVP_PKEY *public)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);

    CHECK(context != NULL);
    const bool good = EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

static bool take_ec(struct jwt_key *key, char *why)
{
    char group[64] = "";

    key->type = JWT_KEY_EC;
    if (EVP_PKEY_get_group_name(key->public, group, sizeof(group), NULL) == 1)
        for (size_t i = 0; i < ARRAY_COUNT(curves); i++)
            if (strcmp(group, curves[i].openssl_name) == 0 || strcmp(group, curves[i].name) == 0)
                key->only = curves[i].algorithm;
    if (key->only == JWT_UNKNOWN)
        return REFUSE(why, "an EC key on the curve \"%s\"; P-256, P-384 and P-521 are accepted",
                      group);
    return is_on_curve(key->public) || REFUSE(why, "an EC key whose point is not on its curve");
}

/* Takes `public`, which may be NULL when OpenSSL refused it. */
static bool take_public(struct jwt_key *key, EVP_PKEY *public, char *why)
{
    key->public = public;
    if (public == NULL)
        return REFUSE(why, "no key that OpenSSL accepts");
    if (EVP_PKEY_is_a(public, "RSA"))
        return take_rsa(key, why);
    if (EVP_PKEY_is_a(public, "EC"))
        return take_ec(key, why);
    if (!EVP_PKEY_is_a(public, "ED25519"))
        return REFUSE(why, "a key that is neither RSA, EC nor Ed25519");
    key->type = JWT_KEY_ED25519;
    return true;
}

static struct jwt_key *new_key(void)
{
    struct jwt_key *key = xcalloc(1, sizeof(*key));

    key->refs = 1;
    return key;
}

/* What a reader made of it: the key, or NULL. */
static struct jwt_key *finish(struct jwt_key *key, bool good)
{
    ERR_clear_error();
    if (good)
        return key;
    jwt_key_unref(key);
    return NULL;
}

/* ---- PEM ---- */

/* Else OpenSSL would ask for one at the terminal. */
static int no_password(char *out, int size, int writing, void *context)
{
    return -1;
}

static EVP_PKEY *read_certificate(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    EVP_PKEY *public = certificate != NULL ? X509_get_pubkey(certificate) : NULL;

    X509_free(certificate);
    return public;
}

struct jwt_key *jwt_key_from_pem(struct text pem, char why[JWT_KEY_WHY_BYTES])
{
    static const char hint[] = "no PEM of a public key (-----BEGIN PUBLIC KEY-----) or certificate";
    struct jwt_key *key = new_key();
    BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.at : "", (int)pem.len);

    CHECK(bio != NULL);
    EVP_PKEY *public = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    if (public == NULL && BIO_reset(bio) == 1)
        public = read_certificate(bio);
    BIO_free(bio);
    return finish(key, public == NULL ? REFUSE(why, "%s", hint) : take_public(key, public, why));
}

/* ---- JWK ---- */

/* Makes a public key of OpenSSL's from its parts; NULL when they make none. */
static EVP_PKEY *build(const char *kind, OSSL_PARAM_BLD *parts)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *public = NULL;

    CHECK(params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1);
    if (EVP_PKEY_fromdata(context, &public, EVP_PKEY_PUBLIC_KEY, params) != 1)
        public = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return public;
}

/* Appends the bytes of member `name`, between `least` and `most`. */
static bool read_bytes(struct json_value jwk, const char *name, size_t least, size_t most,
                       struct buf *out, char *why)
{
    struct buf base64 = {0};
    const size_t start = out->len;
    const bool good = json_to_text(json_get(jwk, name), &base64) && base64.len <= most * 2 &&
                      jwt_decode(buf_text(&base64), out);
    const size_t len = out->len - start;

    buf_fini(&base64);
    if (!good)
        return REFUSE(why, "\"%s\" is no base64url, or is too long", name);
    return (len >= least && len <= most) || REFUSE(why, "\"%s\" has %zu bytes", name, len);
}

static EVP_PKEY *build_rsa(struct text modulus, struct text exponent)
{
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.at, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.at, (int)exponent.len, NULL);
    EVP_PKEY *public = NULL;

    CHECK(parts != NULL && n != NULL && e != NULL);
    CHECK(OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
          OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    if (BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e)) /* with 1 everything is its own signature */
        public = build("RSA", parts);
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(parts);
    return public;
}

static bool read_rsa(struct jwt_key *key, struct json_value jwk, char *why)
{
    struct buf n = {0}, e = {0};
    const bool good = read_bytes(jwk, "n", 1, JWT_RSA_BITS_MAX / 8 + 1, &n, why) &&
                      read_bytes(jwk, "e", 1, RSA_EXPONENT_MAX, &e, why) &&
                      take_public(key, build_rsa(buf_text(&n), buf_text(&e)), why);

    buf_fini(&n);
    buf_fini(&e);
    return good;
}

static EVP_PKEY *build_ec(const struct curve *curve, struct text point)
{
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();

    CHECK(parts != NULL);
    CHECK(OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl_name,
                                          0) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.at, point.len) ==
              1);
    EVP_PKEY *public = build("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    return public;
}

static bool read_ec(struct jwt_key *key, struct json_value jwk, char *why)
{
    struct buf point = {0};
    bool good = REFUSE(why, "\"crv\" is not P-256, P-384 or P-521");

    for (size_t i = 0; i < ARRAY_COUNT(curves); i++) {
        const struct curve *curve = &curves[i];
        if (!jwt_is_string(json_get(jwk, "crv"), text(curve->name)))
            continue;
        buf_add_byte(&point, 4); /* SEC 1 2.3.3: both coordinates follow */
        good = read_bytes(jwk, "x", curve->bytes, curve->bytes, &point, why) &&
               read_bytes(jwk, "y", curve->bytes, curve->bytes, &point, why) &&
               take_public(key, build_ec(curve, buf_text(&point)), why);
    }
    buf_fini(&point);
    return good;
}

static bool read_okp(struct jwt_key *key, struct json_value jwk, char *why)
{
    struct buf x = {0};
    bool good = jwt_is_string(json_get(jwk, "crv"), TEXT("Ed25519")) ||
                REFUSE(why, "\"crv\" is not Ed25519");

    good = good && read_bytes(jwk, "x", ED25519_BYTES, ED25519_BYTES, &x, why) &&
           take_public(key,
                       EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                   (const unsigned char *)x.at, x.len),
                       why);
    buf_fini(&x);
    return good;
}

static bool read_oct(struct jwt_key *key, struct json_value jwk, char *why)
{
    struct buf secret = {0};
    const bool good = read_bytes(jwk, "k", 1, 1024, &secret, why);

    key->type = JWT_KEY_SECRET;
    if (good)
        key->secret = text_of(xstrndup(secret.at, secret.len), secret.len);
    buf_fini(&secret);
    return good;
}

static bool read_id(struct jwt_key *key, struct json_value id, char *why)
{
    struct buf plain = {0};
    bool good = json_kind(id) == JSON_NONE;

    if (!good && json_to_text(id, &plain) && plain.len <= JWT_KEY_ID_MAX) {
        key->id = xstrndup(plain.at, plain.len);
        good = true;
    }
    buf_fini(&plain);
    return good || REFUSE(why, "\"kid\" is no string of at most %d bytes", JWT_KEY_ID_MAX);
}

/* RFC 7517 4.2, 4.3: what the key is for; not saying so allows all. */
static bool is_for_signatures(struct json_value jwk)
{
    const struct json_value use = json_get(jwk, "use"), operations = json_get(jwk, "key_ops");
    bool verifies = json_kind(operations) == JSON_NONE;

    for (struct json_iter it = json_iter(operations); json_next(&it);)
        verifies = verifies || jwt_is_string(it.value, TEXT("verify"));
    return verifies && (json_kind(use) == JSON_NONE || jwt_is_string(use, TEXT("sig")));
}

/* The one algorithm that it names must be one that it can do. */
static bool read_algorithm(struct jwt_key *key, struct json_value name, char *why)
{
    struct buf plain = {0};

    if (json_kind(name) == JSON_NONE)
        return true;
    const enum jwt_algorithm algorithm =
        json_to_text(name, &plain) ? jwt_algorithm_of(buf_text(&plain)) : JWT_UNKNOWN;
    buf_fini(&plain);
    if (!jwt_key_accepts(key, algorithm))
        return REFUSE(why, "\"alg\" is none that %s can do here", jwt_key_type_name(key->type));
    key->only = algorithm;
    return true;
}

struct jwt_key *jwt_key_from_jwk(struct json_value jwk, char why[JWT_KEY_WHY_BYTES])
{
    static const struct {
        struct text name;
        bool (*read)(struct jwt_key *key, struct json_value jwk, char *why);
    } kinds[] = {{TEXT("RSA"), read_rsa},
                 {TEXT("EC"), read_ec},
                 {TEXT("OKP"), read_okp},
                 {TEXT("oct"), read_oct}};
    struct jwt_key *key = new_key();
    bool good = REFUSE(why, "\"kty\" is not RSA, EC, OKP or oct");

    if (json_kind(jwk) != JSON_OBJECT || json_size(jwk) > JWK_MEMBERS_MAX ||
        jwt_has_doubled_names(jwk))
        return finish(key, REFUSE(why, "no object, too many members, or one of them twice"));
    if (!is_for_signatures(jwk))
        return finish(key, REFUSE(why, "it is not for signatures"));
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (jwt_is_string(json_get(jwk, "kty"), kinds[i].name))
            good = kinds[i].read(key, jwk, why);
    return finish(key, good && read_id(key, json_get(jwk, "kid"), why) &&
                           read_algorithm(key, json_get(jwk, "alg"), why));
}
