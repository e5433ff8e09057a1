/*
 * jwt_parts: what the files of jwt share. Inside base/ only. Any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "base/jwt_key.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct jwt_key {
    unsigned refs; /* atomic */
    enum jwt_key_type type;
    enum jwt_algorithm only; /* that its curve or its `alg` leaves; JWT_UNKNOWN: all of its type */
    char *id;                /* NULL: none */
    struct text secret;      /* JWT_KEY_SECRET */
    struct evp_pkey_st *public; /* the other types */
};

#define JWT_MAC_BYTES_MAX 64

/* The bytes of an HMAC algorithm; returns how many. */
size_t jwt_mac(enum jwt_algorithm algorithm, struct text secret, struct text message,
               unsigned char out[JWT_MAC_BYTES_MAX]);

/* base64url without padding (RFC 7515 2); strict about stray bits and bytes. Both append. */
void jwt_encode(struct buf *out, struct text bytes);
bool jwt_decode(struct text base64, struct buf *out);

bool jwt_is_string(struct json_value value, struct text expected);

/* RFC 7515 4, RFC 7519 4: names must be unique, else two readers see two tokens in one. Quadratic:
 * bound the members first. */
bool jwt_has_doubled_names(struct json_value object);
