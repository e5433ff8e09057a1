#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509.h>

#include "base/id.h"
#include "base/jwt.h"
#include "tests/unit/forge.h"

#define CLAIMS_OF_THE_RFC                                                                          \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

/* One of each kind, made once. */
static EVP_PKEY *rsa, *p256, *p384, *p521, *ed25519;

static struct jwt_key *key_of_jwk(const char *jwk)
{
    char why[JWT_KEY_WHY_BYTES] = "";
    struct json json;

    assert_int_equal(json_parse(&json, text(jwk)), ERR_OK);
    struct jwt_key *key = jwt_key_from_jwk(json_root(&json), why);
    json_fini(&json);
    if (key == NULL)
        assert_true(strlen(why) > 0);
    return key;
}

static struct jwt_key *public_key(EVP_PKEY *key)
{
    char why[JWT_KEY_WHY_BYTES];
    struct buf pem = {0};

    forge_pem(&pem, key);
    struct jwt_key *public = jwt_key_from_pem(buf_text(&pem), why);
    assert_non_null(public);
    buf_fini(&pem);
    return public;
}

static enum jwt_fault check(struct text token, const struct jwt_key *key)
{
    struct jwt jwt;
    const enum jwt_fault fault = jwt_take_apart(&jwt, token);

    return fault != JWT_GOOD ? fault : jwt_check_signature(&jwt, key);
}

static enum jwt_fault check_forged(const char *header, EVP_PKEY *signer, const EVP_MD *digest,
                                   const struct jwt_key *key)
{
    struct buf token = {0};

    forge_token(&token, header, "{}", signer, digest);
    const enum jwt_fault fault = check(buf_text(&token), key);
    buf_fini(&token);
    return fault;
}

/* RFC 7515 A.2, A.3, A.4 and RFC 8037 A.4. */
static void the_examples_of_the_rfcs_are_accepted(void **state)
{
    static const struct {
        const char *jwk, *token;
    } examples[] = {
        {"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
         "Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
         "7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb"
         "3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FR"
         "WyuXpoQ\",\"e\":\"AQAB\"}",
         "eyJhbGciOiJSUzI1NiJ9." CLAIMS_OF_THE_RFC
         ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
         "Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQ"
         "BMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6Ie"
         "YI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
         "eyJhbGciOiJFUzI1NiJ9." CLAIMS_OF_THE_RFC
         ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpX"
         "p5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxV"
         "g_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
         "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
         "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG"
         "8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(examples); i++) {
        struct jwt_key *key = key_of_jwk(examples[i].jwk);
        assert_non_null(key);
        assert_int_equal(check(text(examples[i].token), key), JWT_GOOD);
        jwt_key_unref(key);
    }
}

/* Every algorithm with every kind of key: those of its own row and no other. */
static void an_algorithm_is_tried_with_keys_of_its_kind_alone(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *name;
        const EVP_MD *digest;
    } rows[] = {
        {rsa, "RS256", EVP_sha256()},  {rsa, "RS384", EVP_sha384()},  {rsa, "RS512", EVP_sha512()},
        {p256, "ES256", EVP_sha256()}, {p384, "ES384", EVP_sha384()}, {p521, "ES512", EVP_sha512()},
        {ed25519, "EdDSA", NULL},
    };
    struct jwt_key *keys[ARRAY_COUNT(rows)];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        keys[i] = public_key(rows[i].key);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
            char header[64];
            snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", rows[i].name);
            assert_int_equal(check_forged(header, rows[i].key, rows[i].digest, keys[k]),
                             rows[i].key == rows[k].key ? JWT_GOOD : JWT_WRONG_KEY);
        }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        jwt_key_unref(keys[i]);
}

/* The classic: the public key, which everybody has, taken as the secret of an HMAC. */
static void a_public_key_is_never_a_secret(void **state)
{
    struct jwt_key *key = public_key(rsa);
    struct buf pem = {0}, token = {0};

    forge_pem(&pem, rsa);
    forge_mac_token(&token, "{\"alg\":\"HS256\"}", "{}", buf_text(&pem), EVP_sha256());
    assert_int_equal(check(buf_text(&token), key), JWT_WRONG_KEY);
    buf_fini(&pem);
    buf_fini(&token);
    jwt_key_unref(key);
}

static void a_token_without_signature_is_refused_by_every_key(void **state)
{
    EVP_PKEY *const all[] = {rsa, p256, ed25519};
    static const char *const names[] = {"none",  "None",  "NONE",   "RS256", "ES256",
                                        "EdDSA", "PS256", "ES256K", ""};

    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        for (size_t n = 0; n < ARRAY_COUNT(names); n++) {
            struct jwt_key *key = public_key(all[i]);
            struct buf header = {0}, token = {0};
            buf_printf(&header, "{\"alg\":\"%s\"}", names[n]);
            forge_message(&token, buf_cstring(&header), "{}");
            buf_add_byte(&token, '.');
            assert_int_not_equal(check(buf_text(&token), key), JWT_GOOD);
            buf_fini(&header);
            buf_fini(&token);
            jwt_key_unref(key);
        }
}

static void a_cut_lengthened_or_changed_signature_is_refused(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *header;
        const EVP_MD *digest;
    } rows[] = {{rsa, "{\"alg\":\"RS256\"}", EVP_sha256()},
                {p256, "{\"alg\":\"ES256\"}", EVP_sha256()},
                {p521, "{\"alg\":\"ES512\"}", EVP_sha512()},
                {ed25519, "{\"alg\":\"EdDSA\"}", NULL}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct jwt_key *key = public_key(rows[i].key);
        struct buf token = {0};
        forge_token(&token, rows[i].header, "{\"sub\":\"42\"}", rows[i].key, rows[i].digest);
        for (size_t len = 0; len < token.len; len++)
            assert_int_not_equal(check(text_of(token.at, len), key), JWT_GOOD);
        token.at[token.len - 20] ^= 1;
        assert_int_not_equal(check(buf_text(&token), key), JWT_GOOD);
        token.at[token.len - 20] ^= 1;
        assert_int_equal(check(buf_text(&token), key), JWT_GOOD);
        buf_add(&token, "AAAA", 4);
        assert_int_equal(check(buf_text(&token), key), JWT_BAD_SIGNATURE);
        buf_fini(&token);
        jwt_key_unref(key);
    }
}

/* CVE-2022-21449: r = s = 0 once was a signature of everything. */
static void a_signature_of_zeroes_is_refused(void **state)
{
    static const unsigned char zeroes[64];
    struct jwt_key *key = public_key(p256);

    assert_false(jwt_key_verifies(key, JWT_ES256, TEXT("anything"), text_of(zeroes, 64)));
    assert_false(jwt_key_verifies(key, JWT_ES256, TEXT("anything"), (struct text){0}));
    jwt_key_unref(key);
}

static void a_jwk_and_a_pem_are_the_same_key(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *header;
        const EVP_MD *digest;
        enum jwt_key_type type;
    } rows[] = {{rsa, "{\"alg\":\"RS512\"}", EVP_sha512(), JWT_KEY_RSA},
                {p256, "{\"alg\":\"ES256\"}", EVP_sha256(), JWT_KEY_EC},
                {p384, "{\"alg\":\"ES384\"}", EVP_sha384(), JWT_KEY_EC},
                {p521, "{\"alg\":\"ES512\"}", EVP_sha512(), JWT_KEY_EC},
                {ed25519, "{\"alg\":\"EdDSA\"}", NULL, JWT_KEY_ED25519}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf jwk = {0};
        forge_jwk(&jwk, rows[i].key, "\"kid\":\"k\\u00e9y\",\"use\":\"sig\",\"x5t\":\"ignored\",");
        struct jwt_key *key = key_of_jwk(buf_cstring(&jwk));
        assert_non_null(key);
        assert_int_equal(jwt_key_type(key), rows[i].type);
        assert_true(text_equal(jwt_key_id(key), TEXT("k\303\251y")));
        assert_int_equal(check_forged(rows[i].header, rows[i].key, rows[i].digest, key), JWT_GOOD);
        buf_fini(&jwk);
        jwt_key_unref(key);
    }
}

static void a_jwk_with_an_algorithm_takes_no_other(void **state)
{
    struct buf jwk = {0};

    forge_jwk(&jwk, rsa, "\"alg\":\"RS384\",");
    struct jwt_key *key = key_of_jwk(buf_cstring(&jwk));
    assert_int_equal(check_forged("{\"alg\":\"RS384\"}", rsa, EVP_sha384(), key), JWT_GOOD);
    assert_int_equal(check_forged("{\"alg\":\"RS256\"}", rsa, EVP_sha256(), key), JWT_WRONG_KEY);
    buf_fini(&jwk);
    jwt_key_unref(key);
}

static void a_secret_can_be_a_jwk(void **state)
{
    struct jwt_key *key = key_of_jwk("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\"}");
    struct buf token = {0};

    assert_non_null(key);
    jwt_sign(&token, TEXT("{}"), TEXT("secret"));
    assert_int_equal(check(buf_text(&token), key), JWT_GOOD);
    buf_fini(&token);
    jwt_key_unref(key);
}

static void a_jwk_that_is_not_whole_or_not_for_this_is_refused(void **state)
{
    static const char x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    static const char y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    static const char *const more[] = {
        "\"use\":\"enc\",",        "\"use\":1,",         "\"key_ops\":[\"sign\"],",
        "\"key_ops\":\"verify\",", "\"alg\":\"ES384\",", "\"alg\":\"HS256\",",
        "\"alg\":\"none\",",       "\"alg\":null,",      "\"kid\":7,",
        "\"crv\":\"P-256\",",
    };
    static const char *const wrong[] = {
        "[]",
        "\"kty\"",
        "{}",
        "{\"kty\":\"EC\"}",
        "{\"kty\":\"ec\"}",
        "{\"kty\":\"RSA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
        "{\"kty\":\"oct\",\"k\":\"\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
    };
    struct buf jwk = {0};

    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_null(key_of_jwk(wrong[i]));
    for (size_t i = 0; i < ARRAY_COUNT(more); i++) {
        buf_reset(&jwk);
        buf_printf(&jwk, "{%s\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", more[i],
                   x, y);
        assert_null(key_of_jwk(buf_cstring(&jwk)));
    }
    buf_reset(&jwk); /* on no curve: x twice */
    buf_printf(&jwk, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, x);
    assert_null(key_of_jwk(buf_cstring(&jwk)));
    buf_reset(&jwk); /* of another curve's length */
    buf_printf(&jwk, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    assert_null(key_of_jwk(buf_cstring(&jwk)));
    buf_fini(&jwk);
}

/* With the exponent 1 every message is its own signature. */
static void an_rsa_jwk_with_a_senseless_exponent_is_refused(void **state)
{
    static const char *const exponents[] = {"AQ", "Ag", "AA", "AQABAQABAQABAQAB"};
    struct buf n = {0}, jwk = {0};

    forge_number(&n, rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    for (size_t i = 0; i < ARRAY_COUNT(exponents); i++) {
        buf_reset(&jwk);
        buf_printf(&jwk, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", buf_cstring(&n),
                   exponents[i]);
        assert_null(key_of_jwk(buf_cstring(&jwk)));
    }
    buf_fini(&n);
    buf_fini(&jwk);
}

static void assert_refused_pem(struct text pem, const char *part_of_why)
{
    char why[JWT_KEY_WHY_BYTES] = "";

    assert_null(jwt_key_from_pem(pem, why));
    assert_non_null(strstr(why, part_of_why));
}

static void weak_and_foreign_keys_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *kind, *why;
    } rows[] = {{"RSA-1024", "1024 bits"}, {"secp256k1", "secp256k1"}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EVP_PKEY *key = forge_key(rows[i].kind);
        struct buf pem = {0};
        forge_pem(&pem, key);
        assert_refused_pem(buf_text(&pem), rows[i].why);
        buf_fini(&pem);
        EVP_PKEY_free(key);
    }
    assert_refused_pem((struct text){0}, "no PEM");
    assert_refused_pem(TEXT("secret"), "no PEM");
    assert_refused_pem(TEXT("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
                       "no PEM");
}

static void a_private_key_is_not_taken_for_a_public_one(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, p256, NULL, NULL, 0, NULL, NULL), 1);
    const long len = BIO_get_mem_data(bio, &bytes);
    assert_refused_pem(text_of(bytes, (size_t)len), "no PEM");
    BIO_free(bio);
}

static void a_certificate_is_good_for_its_key(void **state)
{
    char why[JWT_KEY_WHY_BYTES], *bytes;
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());

    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 60);
    X509_set_pubkey(certificate, p256);
    assert_true(X509_sign(certificate, p256, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    const long len = BIO_get_mem_data(bio, &bytes);
    struct jwt_key *key = jwt_key_from_pem(text_of(bytes, (size_t)len), why);
    assert_non_null(key);
    assert_int_equal(check_forged("{\"alg\":\"ES256\"}", p256, EVP_sha256(), key), JWT_GOOD);
    jwt_key_unref(key);
    X509_free(certificate);
    BIO_free(bio);
}

static void a_header_tells_which_key_is_meant(void **state)
{
    static const struct {
        const char *header;
        enum jwt_fault fault;
        enum jwt_algorithm algorithm;
        const char *kid;
    } rows[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"a\"}", JWT_GOOD, JWT_RS256, "a"},
        {"{\"alg\":\"none\"}", JWT_GOOD, JWT_UNKNOWN, ""},
        {"{\"kid\":\"a\"}", JWT_BAD_HEADER, JWT_UNKNOWN, ""},
        {"{\"alg\":\"RS256\",\"kid\":1}", JWT_BAD_HEADER, JWT_UNKNOWN, ""},
        {"{\"alg\":\"RS256\",\"kid\":\"a\",\"k\\u0069d\":\"b\"}", JWT_BAD_HEADER, JWT_UNKNOWN, ""},
        {"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", JWT_BAD_HEADER, JWT_UNKNOWN, ""},
        {"nonsense", JWT_BAD_HEADER, JWT_UNKNOWN, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf token = {0};
        struct jwt jwt;
        forge_message(&token, rows[i].header, "{}");
        buf_add_byte(&token, '.');
        assert_int_equal(jwt_take_apart(&jwt, buf_text(&token)), rows[i].fault);
        if (rows[i].fault == JWT_GOOD) {
            assert_int_equal(jwt.algorithm, rows[i].algorithm);
            assert_string_equal(jwt.key_id, rows[i].kid);
        }
        buf_fini(&token);
    }
}

static void a_kid_or_a_token_beyond_all_measure_is_refused(void **state)
{
    struct buf header = {0}, token = {0};
    struct jwt jwt;

    buf_printf(&header, "{\"alg\":\"RS256\",\"kid\":\"%0*d\"}", JWT_KEY_ID_MAX + 1, 0);
    forge_message(&token, buf_cstring(&header), "{}");
    buf_add_byte(&token, '.');
    assert_int_equal(jwt_take_apart(&jwt, buf_text(&token)), JWT_BAD_HEADER);
    buf_reset(&token);
    buf_printf(&token, "e30.%0*d.", JWT_LENGTH_MAX, 0);
    assert_int_equal(jwt_take_apart(&jwt, buf_text(&token)), JWT_NO_TOKEN);
    buf_fini(&header);
    buf_fini(&token);
}

static enum jwt_fault check_claims(const char *payload, const struct jwt_rules *rules)
{
    struct buf token = {0}, bytes = {0};
    struct json claims;
    struct jwt jwt;

    forge_message(&token, "{\"alg\":\"none\"}", payload);
    buf_add_byte(&token, '.');
    assert_int_equal(jwt_take_apart(&jwt, buf_text(&token)), JWT_GOOD);
    enum jwt_fault fault = jwt_read_claims(&jwt, &bytes, &claims);
    if (fault == JWT_GOOD)
        fault = jwt_check_claims(json_root(&claims), rules);
    json_fini(&claims);
    buf_fini(&bytes);
    buf_fini(&token);
    return fault;
}

static void each_fault_of_claims_is_told_apart(void **state)
{
    static const struct {
        const char *payload;
        enum jwt_fault fault;
    } rows[] = {
        {"{\"aud\":\"chat-7\",\"iss\":\"us\"}", JWT_GOOD},
        {"{\"aud\":[\"x\",\"chat-12\"],\"iss\":\"us\",\"exp\":101,\"nbf\":100}", JWT_GOOD},
        {"{\"aud\":\"chat-x\",\"iss\":\"us\"}", JWT_WRONG_AUDIENCE},
        {"{\"iss\":\"us\"}", JWT_WRONG_AUDIENCE},
        {"{\"aud\":[],\"iss\":\"us\"}", JWT_WRONG_AUDIENCE},
        {"{\"aud\":\"chat-7\",\"iss\":\"them\"}", JWT_WRONG_ISSUER},
        {"{\"aud\":\"chat-7\",\"iss\":[\"us\"]}", JWT_WRONG_ISSUER},
        {"{\"aud\":\"chat-7\"}", JWT_WRONG_ISSUER},
        {"{\"aud\":\"chat-7\",\"iss\":\"us\",\"exp\":100}", JWT_EXPIRED},
        {"{\"aud\":\"chat-7\",\"iss\":\"us\",\"nbf\":101}", JWT_EARLY},
        {"{\"aud\":\"chat-7\",\"iss\":\"us\",\"nbf\":101,\"exp\":1}", JWT_EARLY},
        {"{\"aud\":\"x\",\"iss\":\"us\",\"exp\":1}", JWT_WRONG_AUDIENCE},
        {"{\"exp\":\"1\"}", JWT_BAD_DATE},
        {"{\"a\":1,\"\\u0061\":2}", JWT_BAD_PAYLOAD},
        {"[]", JWT_BAD_PAYLOAD},
    };
    regex_t audience, issuer;

    assert_int_equal(regcomp(&audience, "^chat-[0-9]+$", REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(regcomp(&issuer, "^us$", REG_EXTENDED | REG_NOSUB), 0);
    const struct jwt_rules rules = {
        .audience_regex = &audience, .issuer_regex = &issuer, .now_us = 100 * 1000000};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(check_claims(rows[i].payload, &rules), rows[i].fault);
    regfree(&audience);
    regfree(&issuer);
}

static void more_claims_than_anybody_needs_are_refused(void **state)
{
    const struct jwt_rules rules = {.now_us = 1};
    struct buf payload = {0};

    for (int i = 0; i <= JWT_CLAIMS_MAX; i++)
        buf_printf(&payload, "%c\"%d\":0", i == 0 ? '{' : ',', i);
    buf_add_byte(&payload, '}');
    assert_int_equal(check_claims(buf_cstring(&payload), &rules), JWT_BAD_PAYLOAD);
    buf_fini(&payload);
}

static int start(void **state)
{
    id_init();
    rsa = forge_key("RSA");
    p256 = forge_key("P-256");
    p384 = forge_key("P-384");
    p521 = forge_key("P-521");
    ed25519 = forge_key("ED25519");
    return 0;
}

static int end(void **state)
{
    EVP_PKEY *const all[] = {rsa, p256, p384, p521, ed25519};

    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        EVP_PKEY_free(all[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfcs_are_accepted),
        cmocka_unit_test(an_algorithm_is_tried_with_keys_of_its_kind_alone),
        cmocka_unit_test(a_public_key_is_never_a_secret),
        cmocka_unit_test(a_token_without_signature_is_refused_by_every_key),
        cmocka_unit_test(a_cut_lengthened_or_changed_signature_is_refused),
        cmocka_unit_test(a_signature_of_zeroes_is_refused),
        cmocka_unit_test(a_jwk_and_a_pem_are_the_same_key),
        cmocka_unit_test(a_jwk_with_an_algorithm_takes_no_other),
        cmocka_unit_test(a_secret_can_be_a_jwk),
        cmocka_unit_test(a_jwk_that_is_not_whole_or_not_for_this_is_refused),
        cmocka_unit_test(an_rsa_jwk_with_a_senseless_exponent_is_refused),
        cmocka_unit_test(weak_and_foreign_keys_are_refused_with_the_reason),
        cmocka_unit_test(a_private_key_is_not_taken_for_a_public_one),
        cmocka_unit_test(a_certificate_is_good_for_its_key),
        cmocka_unit_test(a_header_tells_which_key_is_meant),
        cmocka_unit_test(a_kid_or_a_token_beyond_all_measure_is_refused),
        cmocka_unit_test(each_fault_of_claims_is_told_apart),
        cmocka_unit_test(more_claims_than_anybody_needs_are_refused),
    };
    return cmocka_run_group_tests(tests, start, end);
}
