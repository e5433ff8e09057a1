#include "base/jwt_key.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/jwt_parts.h"

#define DER_BYTES_MAX                                                                              \
    (JWT_ES_SIGNATURE_MAX + 16) /* a sequence of two integers, each maybe with a 0 */

static const struct algorithm {
    const char *name;
    enum jwt_key_type key;
    const EVP_MD *(*digest)(void); /* NULL: the signature has its own */
    size_t half_bytes;             /* of ES: of each of r and s */
} algorithms[] = {
    [JWT_UNKNOWN] = {"none", JWT_KEY_NONE, NULL, 0},
    [JWT_HS256] = {"HS256", JWT_KEY_SECRET, EVP_sha256, 0},
    [JWT_HS384] = {"HS384", JWT_KEY_SECRET, EVP_sha384, 0},
    [JWT_HS512] = {"HS512", JWT_KEY_SECRET, EVP_sha512, 0},
    [JWT_RS256] = {"RS256", JWT_KEY_RSA, EVP_sha256, 0},
    [JWT_RS384] = {"RS384", JWT_KEY_RSA, EVP_sha384, 0},
    [JWT_RS512] = {"RS512", JWT_KEY_RSA, EVP_sha512, 0},
    [JWT_ES256] = {"ES256", JWT_KEY_EC, EVP_sha256, 32},
    [JWT_ES384] = {"ES384", JWT_KEY_EC, EVP_sha384, 48},
    [JWT_ES512] = {"ES512", JWT_KEY_EC, EVP_sha512, 66},
    [JWT_EDDSA] = {"EdDSA", JWT_KEY_ED25519, NULL, 0},
};

enum jwt_algorithm jwt_algorithm_of(struct text name)
{
    for (size_t i = JWT_UNKNOWN + 1; i < ARRAY_COUNT(algorithms); i++)
        if (text_equal(name, text(algorithms[i].name)))
            return (enum jwt_algorithm)i;
    return JWT_UNKNOWN;
}

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

enum jwt_key_type jwt_algorithm_key(enum jwt_algorithm algorithm)
{
    return algorithms[algorithm].key;
}

/* ---- keys ---- */

struct jwt_key *jwt_key_from_secret(struct text secret)
{
    struct jwt_key *key = xcalloc(1, sizeof(*key));

    CHECK(secret.len > 0);
    key->refs = 1;
    key->type = JWT_KEY_SECRET;
    key->secret = text_of(xstrndup(secret.at, secret.len), secret.len);
    return key;
}

struct jwt_key *jwt_key_ref(struct jwt_key *key)
{
    __atomic_add_fetch(&key->refs, 1, __ATOMIC_RELAXED);
    return key;
}

void jwt_key_unref(struct jwt_key *key)
{
    if (key == NULL || __atomic_sub_fetch(&key->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    EVP_PKEY_free(key->public);
    OPENSSL_cleanse((char *)key->secret.at, key->secret.len);
    free((char *)key->secret.at);
    free(key->id);
    free(key);
}

enum jwt_key_type jwt_key_type(const struct jwt_key *key)
{
    return key->type;
}

const char *jwt_key_type_name(enum jwt_key_type type)
{
    static const char *const names[] = {"no key", "a secret", "an RSA key", "an EC key",
                                        "an Ed25519 key"};
    return names[type];
}

struct text jwt_key_id(const struct jwt_key *key)
{
    return text(key->id);
}

bool jwt_key_accepts(const struct jwt_key *key, enum jwt_algorithm algorithm)
{
    return algorithm != JWT_UNKNOWN && algorithms[algorithm].key == key->type &&
           (key->only == JWT_UNKNOWN || key->only == algorithm);
}

/* ---- signatures ---- */

size_t jwt_mac(enum jwt_algorithm algorithm, struct text secret, struct text message,
               unsigned char out[JWT_MAC_BYTES_MAX])
{
    unsigned len = 0;
    CHECK(HMAC(algorithms[algorithm].digest(), secret.at, (int)secret.len,
               (const unsigned char *)message.at, message.len, out, &len) != NULL);
    return len;
}

static bool secret_verifies(const struct jwt_key *key, enum jwt_algorithm algorithm,
                            struct text message, struct text signature)
{
    unsigned char mac[JWT_MAC_BYTES_MAX];
    const size_t len = jwt_mac(algorithm, key->secret, message, mac);

    return signature.len == len && CRYPTO_memcmp(signature.at, mac, len) == 0;
}

/* RFC 7518 3.4: r and s stand side by side, each as long as the curve; OpenSSL wants them as DER.
 * 0: they are not so long. */
static size_t write_der(struct text raw, size_t half, unsigned char der[DER_BYTES_MAX])
{
    const unsigned char *at = (const unsigned char *)raw.at;

    if (raw.len != 2 * half)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(at, (int)half, NULL), *s = BN_bin2bn(at + half, (int)half, NULL);
    CHECK(pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1);
    const int len = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    CHECK(len > 0 && len <= DER_BYTES_MAX);
    return (size_t)len;
}

static bool public_verifies(const struct jwt_key *key, const EVP_MD *digest, struct text message,
                            struct text signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    CHECK(context != NULL);
    const bool good = EVP_DigestVerifyInit(context, NULL, digest, NULL, key->public) == 1 &&
                      EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len,
                                       (const unsigned char *)message.at, message.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error(); /* a wrong signature is no error of ours, and the queue is the thread's */
    return good;
}

bool jwt_key_verifies(const struct jwt_key *key, enum jwt_algorithm algorithm, struct text message,
                      struct text signature)
{
    unsigned char der[DER_BYTES_MAX];

    if (!jwt_key_accepts(key, algorithm))
        return false;
    if (key->type == JWT_KEY_SECRET)
        return secret_verifies(key, algorithm, message, signature);
    const struct algorithm *how = &algorithms[algorithm];
    if (key->type == JWT_KEY_EC)
        signature = text_of(der, write_der(signature, how->half_bytes, der));
    return signature.len > 0 &&
           public_verifies(key, how->digest != NULL ? how->digest() : NULL, message, signature);
}
