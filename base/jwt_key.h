/*
 * jwt_key: what the signature of a token is checked with: a secret that both sides know, or
 * somebody's public key.
 *
 * A key has a type, and only algorithms of its type are ever tried with it. So it is the key that
 * says how a signature is checked: a token cannot have an RSA key used as a secret, ask for no
 * signature at all, or choose a weaker curve.
 *
 * Counted, never changed once made. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/json.h"
#include "base/text.h"

#define JWT_KEY_ID_MAX       255 /* bytes of `kid`; longer ones are refused */
#define JWT_KEY_WHY_BYTES    128
#define JWT_RSA_BITS_MIN     2048
#define JWT_RSA_BITS_MAX     8192 /* a larger one costs milliseconds per token */
#define JWT_ES_SIGNATURE_MAX 132  /* bytes, of ES512 */

/* RFC 7518 3.1 and RFC 8037 3.1. */
enum jwt_algorithm {
    JWT_UNKNOWN, /* none that is known here; "none" is one of these */
    JWT_HS256,
    JWT_HS384,
    JWT_HS512,
    JWT_RS256,
    JWT_RS384,
    JWT_RS512,
    JWT_ES256,
    JWT_ES384,
    JWT_ES512,
    JWT_EDDSA, /* with Ed25519 alone */
};

enum jwt_key_type { JWT_KEY_NONE, JWT_KEY_SECRET, JWT_KEY_RSA, JWT_KEY_EC, JWT_KEY_ED25519 };

enum jwt_algorithm jwt_algorithm_of(struct text name); /* "RS256", capitals matter */
const char *jwt_algorithm_name(enum jwt_algorithm algorithm);
enum jwt_key_type
jwt_algorithm_key(enum jwt_algorithm algorithm); /* JWT_KEY_NONE for JWT_UNKNOWN */

struct jwt_key;

struct jwt_key *jwt_key_from_secret(struct text secret); /* at least 1 byte; copied */

/*
 * From PEM: a public key (SubjectPublicKeyInfo) or a certificate, whose key alone counts; RSA, EC
 * on P-256, P-384 or P-521, Ed25519. NULL: `why` says what is wrong with it.
 */
MUST_CHECK struct jwt_key *jwt_key_from_pem(struct text pem, char why[JWT_KEY_WHY_BYTES]);

/*
 * From one JWK (RFC 7517, 7518 6, 8037 2): `kty` RSA, EC, OKP or oct, with `kid`, `alg`, `use` and
 * `key_ops` honoured. NULL: `why` says what is wrong with it.
 */
MUST_CHECK struct jwt_key *jwt_key_from_jwk(struct json_value jwk, char why[JWT_KEY_WHY_BYTES]);

struct jwt_key *jwt_key_ref(struct jwt_key *key);
void jwt_key_unref(struct jwt_key *key); /* NULL does nothing */

enum jwt_key_type jwt_key_type(const struct jwt_key *key);
const char *jwt_key_type_name(enum jwt_key_type type); /* "an RSA key" */
struct text jwt_key_id(const struct jwt_key *key);     /* `kid`; empty: it has none */

/* May tokens of this algorithm be checked with it: type, curve and its own `alg` fit. */
bool jwt_key_accepts(const struct jwt_key *key, enum jwt_algorithm algorithm);

/* Is `signature` (raw bytes, RFC 7518 3) the key's over `message`? Never when it does not accept.
 */
bool jwt_key_verifies(const struct jwt_key *key, enum jwt_algorithm algorithm, struct text message,
                      struct text signature);
