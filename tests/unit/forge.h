/*
 * forge: keys of every kind, and tokens with any header, signed with them by OpenSSL itself and not
 * by the tested code.
 */
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/text.h"

static inline void forge_base64(struct buf *out, const void *bytes, size_t len)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    const size_t room = sodium_base64_encoded_len(len, variant);

    sodium_bin2base64(buf_reserve(out, room), room, bytes, len, variant);
    out->len += room - 1;
}

/* "RSA", "RSA-1024", "P-256", "P-384", "P-521", "secp256k1" or "ED25519". */
static inline EVP_PKEY *forge_key(const char *kind)
{
    EVP_PKEY *key = NULL;

    if (strcmp(kind, "ED25519") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else if (strncmp(kind, "RSA", 3) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", kind[3] == '-' ? (size_t)1024 : (size_t)2048);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    CHECK(key != NULL);
    return key;
}

/* The public half. */
static inline void forge_pem(struct buf *out, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;

    CHECK(PEM_write_bio_PUBKEY(bio, key) == 1);
    const long len = BIO_get_mem_data(bio, &bytes);
    buf_add(out, bytes, (size_t)len);
    BIO_free(bio);
}

static inline void forge_number(struct buf *out, EVP_PKEY *key, const char *part, int bytes)
{
    unsigned char at[1024];
    BIGNUM *number = NULL;

    CHECK(EVP_PKEY_get_bn_param(key, part, &number) == 1);
    if (bytes == 0)
        bytes = BN_num_bytes(number);
    CHECK(BN_bn2binpad(number, at, bytes) == bytes);
    forge_base64(out, at, (size_t)bytes);
    BN_free(number);
}

static inline int forge_curve_bytes(EVP_PKEY *key)
{
    return (EVP_PKEY_get_bits(key) + 7) / 8;
}

/* The public half as a JWK; `more` are further members: "\"kid\":\"a\",", or "". */
static inline void forge_jwk(struct buf *out, EVP_PKEY *key, const char *more)
{
    unsigned char raw[32];
    size_t len = sizeof(raw);

    buf_printf(out, "{%s", more);
    if (EVP_PKEY_is_a(key, "RSA")) {
        buf_printf(out, "\"kty\":\"RSA\",\"n\":\"");
        forge_number(out, key, OSSL_PKEY_PARAM_RSA_N, 0);
        buf_printf(out, "\",\"e\":\"");
        forge_number(out, key, OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (EVP_PKEY_is_a(key, "EC")) {
        const int bytes = forge_curve_bytes(key);
        buf_printf(out, "\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"", EVP_PKEY_get_bits(key));
        forge_number(out, key, OSSL_PKEY_PARAM_EC_PUB_X, bytes);
        buf_printf(out, "\",\"y\":\"");
        forge_number(out, key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes);
    } else {
        CHECK(EVP_PKEY_get_raw_public_key(key, raw, &len) == 1);
        buf_printf(out, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
        forge_base64(out, raw, len);
    }
    buf_printf(out, "\"}");
}

static inline void forge_message(struct buf *out, const char *header, const char *payload)
{
    forge_base64(out, header, strlen(header));
    buf_add_byte(out, '.');
    forge_base64(out, payload, strlen(payload));
}

/* r and s side by side, from DER. */
static inline size_t forge_raw_pair(EVP_PKEY *key, unsigned char *signature, size_t len)
{
    const unsigned char *at = signature;
    const int half = forge_curve_bytes(key);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);

    CHECK(pair != NULL);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half) == half);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half) == half);
    ECDSA_SIG_free(pair);
    return (size_t)half * 2;
}

/* `digest` NULL: EdDSA. */
static inline void forge_token(struct buf *out, const char *header, const char *payload,
                               EVP_PKEY *key, const EVP_MD *digest)
{
    unsigned char signature[1024];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    forge_message(out, header, payload);
    CHECK(EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1);
    CHECK(EVP_DigestSign(context, signature, &len, (unsigned char *)out->at, out->len) == 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_is_a(key, "EC"))
        len = forge_raw_pair(key, signature, len);
    buf_add_byte(out, '.');
    forge_base64(out, signature, len);
}

static inline void forge_mac_token(struct buf *out, const char *header, const char *payload,
                                   struct text secret, const EVP_MD *digest)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len;

    forge_message(out, header, payload);
    HMAC(digest, secret.at, (int)secret.len, (unsigned char *)out->at, out->len, mac, &len);
    buf_add_byte(out, '.');
    forge_base64(out, mac, len);
}
