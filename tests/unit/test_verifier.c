#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/id.h"
#include "gateway/token/verifier.h"
#include "tests/unit/forge.h"

#define NOW_S  1700000000LL
#define NOW_US (NOW_S * 1000000)
#define HS256  "{\"alg\":\"HS256\"}"

static EVP_PKEY *rsa, *p256, *p384, *ed25519;
static struct buf rsa_pem, p256_pem, p384_pem, ed25519_pem;

static struct verifier *create(const struct verifier_config *config)
{
    char why[VERIFIER_WHY_BYTES] = "";
    struct verifier *verifier = verifier_create(config, why);

    if (verifier == NULL)
        fail_msg("%s", why);
    return verifier;
}

/* The verdict on a token for a connection; takes the token. */
static enum token_verdict verdict_of(struct verifier *verifier, struct buf *token)
{
    struct connect_token out;
    const enum token_verdict verdict = verifier_connect(verifier, buf_text(token), NOW_US, &out);

    if (verdict != TOKEN_GOOD)
        assert_null(out.arena.blocks);
    connect_token_fini(&out);
    buf_fini(token);
    return verdict;
}

static enum token_verdict connect_with_secret(struct verifier *verifier, const char *claims,
                                              const char *secret)
{
    struct buf token = {0};

    forge_mac_token(&token, HS256, claims, text(secret), EVP_sha256());
    return verdict_of(verifier, &token);
}

static enum token_verdict connect_signed(struct verifier *verifier, const char *header,
                                         EVP_PKEY *key, const EVP_MD *digest)
{
    struct buf token = {0};

    forge_token(&token, header, "{\"sub\":\"42\"}", key, digest);
    return verdict_of(verifier, &token);
}

static enum token_verdict subscribe_with_secret(struct verifier *verifier, const char *claims,
                                                const char *secret)
{
    struct subscribe_token out;
    struct buf token = {0};

    forge_mac_token(&token, HS256, claims, text(secret), EVP_sha256());
    const enum token_verdict verdict = verifier_subscribe(verifier, buf_text(&token), NOW_US, &out);
    if (verdict != TOKEN_GOOD)
        assert_null(out.arena.blocks);
    subscribe_token_fini(&out);
    buf_fini(&token);
    return verdict;
}

static void a_good_token_says_who_it_is(void **state)
{
    struct verifier *verifier = create(&(struct verifier_config){.hmac_secret_key = "secret"});
    struct connect_token out;
    struct buf token = {0};

    forge_mac_token(&token, "{\"alg\":\"HS512\"}", "{\"sub\":\"42\",\"exp\":1700000001}",
                    TEXT("secret"), EVP_sha512());
    assert_int_equal(verifier_connect(verifier, buf_text(&token), NOW_US, &out), TOKEN_GOOD);
    assert_true(text_equal(out.user, TEXT("42")));
    assert_int_equal(out.expires_s, NOW_S + 1);
    connect_token_fini(&out);
    buf_fini(&token);
    verifier_destroy(verifier);
}

/* Reference 10.1, 10.2: 109 for both ends of its life, 3500 and 103 for all else. */
static void each_claim_has_its_verdict(void **state)
{
    static const struct {
        const char *claims;
        enum token_verdict connect, subscribe;
    } rows[] = {
        {"{}", TOKEN_GOOD, TOKEN_BAD},
        {"{\"sub\":\"42\"}", TOKEN_GOOD, TOKEN_BAD},
        {"{\"sub\":\"42\",\"channel\":\"news\"}", TOKEN_BAD, TOKEN_GOOD},
        {"{\"sub\":\"42\",\"channel\":\"news\",\"exp\":1}", TOKEN_BAD, TOKEN_EXPIRED},
        {"{\"sub\":\"42\",\"exp\":1700000000}", TOKEN_EXPIRED, TOKEN_BAD},
        {"{\"sub\":\"42\",\"exp\":1,\"expire_at\":0}", TOKEN_EXPIRED, TOKEN_BAD},
        {"{\"sub\":\"42\",\"exp\":0}", TOKEN_EXPIRED, TOKEN_BAD},
        {"{\"sub\":\"42\",\"nbf\":1700000000}", TOKEN_GOOD, TOKEN_BAD},
        {"{\"sub\":\"42\",\"nbf\":1700000001}", TOKEN_EXPIRED, TOKEN_BAD},
        {"{\"channel\":\"news\",\"nbf\":1700000001}", TOKEN_BAD, TOKEN_EXPIRED},
        {"{\"sub\":42}", TOKEN_BAD, TOKEN_BAD},
        {"{\"sub\":42,\"exp\":1}", TOKEN_BAD, TOKEN_BAD},
        {"{\"exp\":\"1800000000\"}", TOKEN_BAD, TOKEN_BAD},
        {"{\"sub\":\"1\",\"sub\":\"2\"}", TOKEN_BAD, TOKEN_BAD},
        {"{\"sub\":\"1\",\"su\\u0062\":\"2\"}", TOKEN_BAD, TOKEN_BAD},
        {"[]", TOKEN_BAD, TOKEN_BAD},
        {"", TOKEN_BAD, TOKEN_BAD},
    };
    struct verifier *verifier = create(&(struct verifier_config){.hmac_secret_key = "secret"});

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (connect_with_secret(verifier, rows[i].claims, "secret") != rows[i].connect ||
            subscribe_with_secret(verifier, rows[i].claims, "secret") != rows[i].subscribe)
            fail_msg("%s", rows[i].claims);
    verifier_destroy(verifier);
}

static void without_a_key_every_token_is_bad(void **state)
{
    struct verifier *verifier = create(&(struct verifier_config){.hmac_secret_key = ""});
    struct buf token = {0};

    assert_int_equal(connect_with_secret(verifier, "{}", ""), TOKEN_BAD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"RS256\"}", rsa, EVP_sha256()), TOKEN_BAD);
    forge_message(&token, "{\"alg\":\"none\"}", "{\"sub\":\"42\"}");
    buf_add_byte(&token, '.');
    assert_int_equal(verdict_of(verifier, &token), TOKEN_BAD);
    verifier_destroy(verifier);
}

static void the_previous_secret_is_good_until_its_end(void **state)
{
    static const struct {
        int64_t until_s;
        enum token_verdict verdict;
    } rows[] = {{0, TOKEN_GOOD}, {NOW_S + 1, TOKEN_GOOD}, {NOW_S, TOKEN_BAD}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct verifier *verifier =
            create(&(struct verifier_config){.hmac_secret_key = "new",
                                             .hmac_previous_secret_key = "old",
                                             .hmac_previous_valid_until_s = rows[i].until_s});
        assert_int_equal(connect_with_secret(verifier, "{}", "new"), TOKEN_GOOD);
        assert_int_equal(connect_with_secret(verifier, "{}", "old"), rows[i].verdict);
        assert_int_equal(connect_with_secret(verifier, "{}", "other"), TOKEN_BAD);
        verifier_destroy(verifier);
    }
}

static void several_kinds_of_keys_live_side_by_side(void **state)
{
    struct verifier *verifier =
        create(&(struct verifier_config){.hmac_secret_key = "secret",
                                         .rsa_public_key = (char *)buf_cstring(&rsa_pem),
                                         .ecdsa_public_key = (char *)buf_cstring(&p384_pem)});
    struct buf token = {0};

    assert_int_equal(connect_with_secret(verifier, "{}", "secret"), TOKEN_GOOD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"RS512\"}", rsa, EVP_sha512()),
                     TOKEN_GOOD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"ES384\"}", p384, EVP_sha384()),
                     TOKEN_GOOD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"ES256\"}", p256, EVP_sha256()),
                     TOKEN_BAD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"EdDSA\"}", ed25519, NULL), TOKEN_BAD);
    forge_mac_token(&token, HS256, "{}", buf_text(&rsa_pem), EVP_sha256());
    assert_int_equal(verdict_of(verifier, &token), TOKEN_BAD); /* a public key is no secret */
    verifier_destroy(verifier);
}

static void audience_and_issuer_must_fit_what_is_configured(void **state)
{
    static const struct {
        struct verifier_config config;
        const char *claims;
        enum token_verdict verdict;
    } rows[] = {
        {{.audience = "chat"}, "{\"aud\":[\"x\",\"chat\"]}", TOKEN_GOOD},
        {{.audience = "chat"}, "{\"aud\":\"x\"}", TOKEN_BAD},
        {{.audience = "chat"}, "{\"aud\":\"x\",\"exp\":1}", TOKEN_BAD},
        {{.audience_regex = "^chat-[0-9]+$"}, "{\"aud\":\"chat-7\"}", TOKEN_GOOD},
        {{.audience_regex = "^chat-[0-9]+$"}, "{\"aud\":\"chat-x\"}", TOKEN_BAD},
        {{.audience_regex = "^(?:chat|talk)-\\d+$"}, "{\"aud\":\"talk-7\"}", TOKEN_GOOD},
        {{.issuer = "us"}, "{\"iss\":\"us\"}", TOKEN_GOOD},
        {{.issuer = "us"}, "{}", TOKEN_BAD},
        {{.issuer_regex = "^(us|them)$"}, "{\"iss\":\"them\"}", TOKEN_GOOD},
        {{.issuer_regex = "^(us|them)$"}, "{\"iss\":\"others\"}", TOKEN_BAD},
        {{.user_id_claim = "uid"}, "{\"sub\":\"x\",\"uid\":\"42\"}", TOKEN_GOOD},
        {{.user_id_claim = "uid"}, "{\"sub\":\"x\"}", TOKEN_BAD},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct verifier_config config = rows[i].config;
        config.hmac_secret_key = "secret";
        struct verifier *verifier = create(&config);
        if (connect_with_secret(verifier, rows[i].claims, "secret") != rows[i].verdict)
            fail_msg("row %zu: %s", i, rows[i].claims);
        verifier_destroy(verifier);
    }
}

static void the_signature_alone_can_be_skipped(void **state)
{
    struct verifier *verifier =
        create(&(struct verifier_config){.skip_signature = true, .audience = "chat"});
    struct buf token = {0};

    assert_int_equal(connect_with_secret(verifier, "{\"aud\":\"chat\"}", "any"), TOKEN_GOOD);
    assert_int_equal(connect_with_secret(verifier, "{\"aud\":\"chat\",\"exp\":1}", "any"),
                     TOKEN_EXPIRED);
    assert_int_equal(connect_with_secret(verifier, "{\"aud\":\"x\"}", "any"), TOKEN_BAD);
    forge_message(&token, "{\"alg\":\"none\"}", "{\"aud\":\"chat\"}");
    buf_add_byte(&token, '.');
    assert_int_equal(verdict_of(verifier, &token), TOKEN_GOOD);
    buf_printf(&token, "nonsense");
    assert_int_equal(verdict_of(verifier, &token), TOKEN_BAD);
    verifier_destroy(verifier);
}

static void a_bad_option_is_named_with_the_reason(void **state)
{
    char *const ed25519_text = (char *)buf_cstring(&ed25519_pem);
    char *const p256_text = (char *)buf_cstring(&p256_pem);
    const struct {
        struct verifier_config config;
        const char *option, *reason;
    } rows[] = {
        {{.rsa_public_key = "nonsense"}, "rsa_public_key: ", "PEM"},
        {{.rsa_public_key = p256_text}, "rsa_public_key: ", "an EC key"},
        {{.ecdsa_public_key = ed25519_text}, "ecdsa_public_key: ", "an Ed25519 key"},
        {{.audience_regex = "("}, "audience_regex: ", "a ( without its )"},
        {{.issuer_regex = "(?P<realm>x)"}, "issuer_regex: ", "a group that"},
        {{.jwks_public_endpoint = "https://x/{{realm}}/keys"}, "jwks_public_endpoint: ", "{{"},
        {{.jwks_public_endpoint = "file:///etc/passwd"}, "jwks_public_endpoint: ", "https://"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[VERIFIER_WHY_BYTES] = "";
        assert_null(verifier_create(&rows[i].config, why));
        if (!text_starts(text(why), text(rows[i].option)) || strstr(why, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, why);
    }
}

static void fetch(struct verifier *verifier, EVP_PKEY *key, int status)
{
    struct jwks *jwks = verifier_jwks(verifier);
    struct buf body = {0};

    buf_printf(&body, "{\"keys\":[");
    forge_jwk(&body, key, "\"kid\":\"k\",");
    buf_printf(&body, "]}");
    assert_true(jwks_fetch_begin(jwks, clock_mono_ms()));
    jwks_fetch_done(jwks, status, buf_text(&body), clock_mono_ms());
    buf_fini(&body);
}

static void a_token_waits_for_the_key_set_and_then_is_judged(void **state)
{
    static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"k\"}";
    struct verifier *verifier =
        create(&(struct verifier_config){.jwks_public_endpoint = "https://login.example/keys"});

    assert_string_equal(jwks_url(verifier_jwks(verifier)), "https://login.example/keys");
    assert_int_equal(connect_signed(verifier, header, ed25519, NULL), TOKEN_WAIT);
    fetch(verifier, ed25519, 200);
    assert_int_equal(connect_signed(verifier, header, ed25519, NULL), TOKEN_GOOD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"EdDSA\"}", ed25519, NULL), TOKEN_GOOD);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"EdDSA\",\"kid\":\"x\"}", ed25519, NULL),
                     TOKEN_BAD);
    assert_int_equal(
        connect_signed(verifier, "{\"alg\":\"ES256\",\"kid\":\"k\"}", p256, EVP_sha256()),
        TOKEN_BAD);
    verifier_destroy(verifier);
}

static void a_key_set_that_cannot_be_had_is_told_from_a_bad_token(void **state)
{
    struct verifier *verifier =
        create(&(struct verifier_config){.jwks_public_endpoint = "https://login.example/keys"});

    fetch(verifier, ed25519, 503);
    assert_int_equal(connect_signed(verifier, "{\"alg\":\"EdDSA\",\"kid\":\"k\"}", ed25519, NULL),
                     TOKEN_UNAVAILABLE);
    verifier_destroy(verifier);
}

/* Anybody can send these; no provider is asked because of them. */
static void a_token_that_no_set_can_help_makes_nobody_fetch(void **state)
{
    struct verifier *verifier =
        create(&(struct verifier_config){.hmac_secret_key = "secret",
                                         .rsa_public_key = (char *)buf_cstring(&rsa_pem),
                                         .jwks_public_endpoint = "https://login.example/keys"});
    struct buf token = {0};

    fetch(verifier, ed25519, 200);
    assert_int_equal(connect_with_secret(verifier, "{}", "other"), TOKEN_BAD);
    forge_message(&token, "{\"alg\":\"none\",\"kid\":\"x\"}", "{}");
    buf_add_byte(&token, '.');
    assert_int_equal(verdict_of(verifier, &token), TOKEN_BAD);
    assert_int_equal(
        connect_signed(verifier, "{\"alg\":\"RS256\",\"kid\":\"x\"}", rsa, EVP_sha256()),
        TOKEN_GOOD);
    assert_false(jwks_wants_fetch(verifier_jwks(verifier), clock_mono_ms() + 2 * JWKS_INTERVAL_MS));
    verifier_destroy(verifier);
}

static int start(void **state)
{
    id_init();
    rsa = forge_key("RSA");
    p256 = forge_key("P-256");
    p384 = forge_key("P-384");
    ed25519 = forge_key("ED25519");
    forge_pem(&rsa_pem, rsa);
    forge_pem(&p256_pem, p256);
    forge_pem(&p384_pem, p384);
    forge_pem(&ed25519_pem, ed25519);
    return 0;
}

static int end(void **state)
{
    EVP_PKEY *const keys[] = {rsa, p256, p384, ed25519};
    struct buf *const pems[] = {&rsa_pem, &p256_pem, &p384_pem, &ed25519_pem};

    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        EVP_PKEY_free(keys[i]);
        buf_fini(pems[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_says_who_it_is),
        cmocka_unit_test(each_claim_has_its_verdict),
        cmocka_unit_test(without_a_key_every_token_is_bad),
        cmocka_unit_test(the_previous_secret_is_good_until_its_end),
        cmocka_unit_test(several_kinds_of_keys_live_side_by_side),
        cmocka_unit_test(audience_and_issuer_must_fit_what_is_configured),
        cmocka_unit_test(the_signature_alone_can_be_skipped),
        cmocka_unit_test(a_bad_option_is_named_with_the_reason),
        cmocka_unit_test(a_token_waits_for_the_key_set_and_then_is_judged),
        cmocka_unit_test(a_key_set_that_cannot_be_had_is_told_from_a_bad_token),
        cmocka_unit_test(a_token_that_no_set_can_help_makes_nobody_fetch),
    };
    return cmocka_run_group_tests(tests, start, end);
}
