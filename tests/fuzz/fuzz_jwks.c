/*
 * What a provider may answer when asked for its keys; or, when the first byte is '-', a PEM. Keys
 * that are taken are strong enough, and never verify what nobody signed.
 */
#include "base/jwt.h"
#include "base/log.h"
#include "gateway/token/jwks.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    log_init("fuzz_jwks", LOG_ERROR, LOG_TEXT); /* a set that is none is a warning */
    return 0;
}

static void check_key(const struct jwt_key *key)
{
    static const char junk[JWT_RSA_BITS_MAX / 8] = {1};
    static const size_t lengths[] = {0, 32, 64, 96, 132, 256, 512};

    CHECK(jwt_key_id(key).len <= JWT_KEY_ID_MAX && !jwt_key_accepts(key, JWT_UNKNOWN));
    for (int alg = JWT_HS256; alg <= JWT_EDDSA; alg++)
        for (size_t i = 0; i < ARRAY_COUNT(lengths); i++)
            CHECK(jwt_key_type(key) == JWT_KEY_ED25519 ||
                  !jwt_key_verifies(key, (enum jwt_algorithm)alg, TEXT("nobody signed this"),
                                    text_of(junk, lengths[i])));
}

static void try_pem(struct text pem)
{
    char why[JWT_KEY_WHY_BYTES] = "";
    struct jwt_key *key = jwt_key_from_pem(pem, why);

    if (key != NULL)
        check_key(key);
    else
        CHECK(why[0] != '\0');
    jwt_key_unref(key);
}

/* Each key alone, as its own reasons for refusing it are not told by the set. */
static void try_keys(struct text body)
{
    char why[JWT_KEY_WHY_BYTES] = "";
    struct json json;

    if (json_parse(&json, body) == ERR_OK)
        for (struct json_iter it = json_iter(json_get(json_root(&json), "keys")); json_next(&it);) {
            struct jwt_key *key = jwt_key_from_jwk(it.value, why);
            if (key != NULL)
                check_key(key);
            else
                CHECK(why[0] != '\0');
            jwt_key_unref(key);
        }
    json_fini(&json);
}

static void try_set(struct text body)
{
    struct jwks *jwks = jwks_create("https://login.example/keys");

    CHECK(jwks_fetch_begin(jwks, 0));
    jwks_fetch_done(jwks, 200, body, 0);
    for (int alg = JWT_UNKNOWN; alg <= JWT_EDDSA; alg++) {
        struct jwt_key *key = NULL;
        const enum jwks_answer answer =
            jwks_find(jwks, TEXT("1"), (enum jwt_algorithm)alg, 1, &key);
        CHECK((answer == JWKS_FOUND) == (key != NULL) && answer != JWKS_WAIT);
        CHECK(key == NULL || jwt_key_type(key) != JWT_KEY_SECRET);
        jwt_key_unref(key);
    }
    jwks_destroy(jwks);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct text whole = text_of(bytes, len);

    if (len > 0 && bytes[0] == '-') {
        try_pem(whole);
        return 0;
    }
    try_keys(whole);
    try_set(whole);
    return 0;
}
