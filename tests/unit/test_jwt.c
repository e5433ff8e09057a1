#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "base/id.h"
#include "base/jwt.h"

#define NOW_S 1700000000

static const struct text key = TEXT("a key for the tests");

static struct jwt_rules plain_rules(void)
{
    return (struct jwt_rules){.key = key, .now_us = NOW_S * 1000000LL};
}

static void add_part(struct buf *out, struct text bytes)
{
    const size_t room =
        sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(buf_reserve(out, room), room, (const unsigned char *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += room - 1;
}

/* A well signed token with any header; base64 and MAC are made here, not by the tested code. */
static void forge(struct buf *out, const EVP_MD *digest, const char *header, const char *payload)
{
    unsigned char mac[64];
    unsigned len;
    add_part(out, text(header));
    buf_add_byte(out, '.');
    add_part(out, text(payload));
    HMAC(digest, key.at, (int)key.len, (const unsigned char *)out->at, out->len, mac, &len);
    buf_add_byte(out, '.');
    add_part(out, text_of(mac, len));
}

static enum err verify(struct text token, const struct jwt_rules *rules)
{
    struct buf payload = {0};
    struct json claims;
    const enum err err = jwt_verify(token, rules, &payload, &claims);
    json_fini(&claims);
    buf_fini(&payload);
    return err;
}

static enum err verify_payload(const char *payload, const struct jwt_rules *rules)
{
    struct buf token = {0};
    jwt_sign(&token, text(payload), key);
    const enum err err = verify(buf_text(&token), rules);
    buf_fini(&token);
    return err;
}

static enum err verify_header(const EVP_MD *digest, const char *header)
{
    const struct jwt_rules rules = plain_rules();
    struct buf token = {0};
    forge(&token, digest, header, "{}");
    const enum err err = verify(buf_text(&token), &rules);
    buf_fini(&token);
    return err;
}

static void what_we_sign_we_accept(void **state)
{
    struct jwt_rules rules = plain_rules();
    struct buf token = {0}, payload = {0}, sub = {0};
    struct json claims;
    jwt_sign(&token, TEXT("{\"sub\":\"42\",\"exp\":1700000001}"), key);
    assert_int_equal(jwt_verify(buf_text(&token), &rules, &payload, &claims), ERR_OK);
    assert_true(json_to_text(json_get(json_root(&claims), "sub"), &sub));
    assert_string_equal(buf_cstring(&sub), "42");
    json_fini(&claims);
    buf_fini(&payload);
    buf_fini(&sub);
    buf_fini(&token);
}

/* RFC 7515 appendix A.1, key and all. */
static void the_example_of_the_rfc_is_accepted(void **state)
{
    static const char token[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                                "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcG"
                                "xlLmNvbS9pc19yb290Ijp0cnVlfQ."
                                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const char secret[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuT"
        "wjAzZr1Z9CAow";
    unsigned char raw[64];
    size_t len;
    assert_int_equal(sodium_base642bin(raw, sizeof(raw), secret, strlen(secret), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    struct jwt_rules rules = {.key = text_of(raw, len), .issuer = TEXT("joe")};
    rules.now_us = 1300819379LL * 1000000;
    assert_int_equal(verify(text(token), &rules), ERR_OK);
    rules.now_us = 1300819380LL * 1000000;
    assert_int_equal(verify(text(token), &rules), ERR_TOKEN_EXPIRED);
}

static void one_changed_byte_anywhere_is_refused(void **state)
{
    const struct jwt_rules rules = plain_rules();
    struct buf token = {0};
    jwt_sign(&token, TEXT("{\"sub\":\"42\"}"), key);
    for (size_t i = 0; i < token.len; i++) {
        const char kept = token.at[i];
        for (const char *other = "Aa.=\n"; *other != '\0'; other++) {
            token.at[i] = *other;
            if (*other != kept)
                assert_int_equal(verify(buf_text(&token), &rules), ERR_BAD_TOKEN);
        }
        token.at[i] = kept;
        assert_int_equal(verify(text_of(token.at, i), &rules), ERR_BAD_TOKEN);
    }
    assert_int_equal(verify(buf_text(&token), &rules), ERR_OK);
    buf_fini(&token);
}

static void another_key_is_refused(void **state)
{
    struct jwt_rules rules = plain_rules();
    rules.key = TEXT("another key");
    assert_int_equal(verify_payload("{}", &rules), ERR_BAD_TOKEN);
}

static void three_algorithms_are_known_and_no_other(void **state)
{
    assert_int_equal(verify_header(EVP_sha256(), "{\"alg\":\"HS256\"}"), ERR_OK);
    assert_int_equal(verify_header(EVP_sha384(), "{\"alg\":\"HS384\",\"kid\":\"1\"}"), ERR_OK);
    assert_int_equal(verify_header(EVP_sha512(), "{\"typ\":\"JWT\",\"alg\":\"HS512\"}"), ERR_OK);
    assert_int_equal(verify_header(EVP_sha512(), "{\"alg\":\"HS256\"}"), ERR_BAD_TOKEN);
    static const char *const wrong[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"\"}",
        "{\"alg\":null}",
        "{\"alg\":[\"HS256\"]}",
        "{}",
        "[]",
        "\"HS256\"",
        "",
        "{",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(verify_header(EVP_sha256(), wrong[i]), ERR_BAD_TOKEN);
}

static void doubled_and_critical_header_members_are_refused(void **state)
{
    static const char *const wrong[] = {
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"HS256\",\"crit\":[]}",
        "{\"alg\":\"HS256\",\"cr\\u0069t\":[\"x\"]}",
        ("{\"alg\":\"HS256\",\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,"
         "\"9\":1,\"10\":1,\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1}"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(verify_header(EVP_sha256(), wrong[i]), ERR_BAD_TOKEN);
}

static void a_token_lives_from_nbf_to_exp(void **state)
{
    struct jwt_rules rules = plain_rules();
    assert_int_equal(verify_payload("{\"exp\":1700000000}", &rules), ERR_TOKEN_EXPIRED);
    assert_int_equal(verify_payload("{\"exp\":1700000001}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"exp\":1700000000.9}", &rules), ERR_TOKEN_EXPIRED);
    assert_int_equal(verify_payload("{\"exp\":1700000001.5}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"exp\":1.8e9}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"nbf\":1700000000}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"nbf\":1700000001}", &rules), ERR_BAD_TOKEN);
    rules.leeway_s = 5;
    assert_int_equal(verify_payload("{\"exp\":1699999996}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"exp\":1699999995}", &rules), ERR_TOKEN_EXPIRED);
    assert_int_equal(verify_payload("{\"nbf\":1700000005}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"nbf\":1700000006}", &rules), ERR_BAD_TOKEN);
}

static void claims_of_a_wrong_shape_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "{\"exp\":\"1800000000\"}",
        "{\"exp\":null}",
        "{\"exp\":1e999}",
        "{\"nbf\":-1e999}",
        "{\"nbf\":true}",
        "{\"exp\":1800000000,\"exp\":1}",
        "{\"a\":1,}",
        "{\"exp\":1000000000000000000000000000000000000000000000000000000000000000000}",
    };
    const struct jwt_rules rules = plain_rules();
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(verify_payload(wrong[i], &rules), ERR_BAD_TOKEN);
}

static void audience_and_issuer_must_fit(void **state)
{
    struct jwt_rules rules = plain_rules();
    rules.audience = TEXT("parley");
    assert_int_equal(verify_payload("{\"aud\":\"parley\"}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"aud\":[\"x\",\"parley\"]}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"aud\":[\"x\"]}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{\"aud\":[[\"parley\"]]}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{\"aud\":{\"parley\":1}}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{\"aud\":\"parleyx\"}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{\"aud\":\"x\",\"exp\":1}", &rules), ERR_BAD_TOKEN);
    rules.audience = (struct text){0};
    rules.issuer = TEXT("us");
    assert_int_equal(verify_payload("{\"iss\":\"us\"}", &rules), ERR_OK);
    assert_int_equal(verify_payload("{\"iss\":\"them\"}", &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify_payload("{\"iss\":[\"us\"]}", &rules), ERR_BAD_TOKEN);
}

static void an_expired_tokens_claims_can_be_read(void **state)
{
    const struct jwt_rules rules = plain_rules();
    struct buf token = {0}, payload = {0};
    struct json claims;
    jwt_sign(&token, TEXT("{\"sub\":\"42\",\"exp\":1}"), key);
    assert_int_equal(jwt_verify(buf_text(&token), &rules, &payload, &claims), ERR_TOKEN_EXPIRED);
    assert_int_equal(json_kind(json_get(json_root(&claims), "sub")), JSON_STRING);
    json_fini(&claims);
    buf_fini(&payload);
    buf_fini(&token);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const wrong[] = {"",    ".",     "..",      "...",
                                        "a.b", "a.b.c", "a.b.c.d", "e30.e30."};
    static char huge[JWT_TOKEN_MAX + 1];
    const struct jwt_rules rules = plain_rules();
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(verify(text(wrong[i]), &rules), ERR_BAD_TOKEN);
    assert_int_equal(verify((struct text){0}, &rules), ERR_BAD_TOKEN);
    memset(huge, '.', sizeof(huge));
    assert_int_equal(verify(text_of(huge, sizeof(huge)), &rules), ERR_BAD_TOKEN);
}

static void a_token_over_the_limit_is_refused_though_well_signed(void **state)
{
    const struct jwt_rules rules = plain_rules();
    struct buf payload = {0};
    buf_printf(&payload, "{\"x\":\"%0*d\"}", JWT_TOKEN_MAX * 3 / 4, 0);
    assert_int_equal(verify_payload(buf_cstring(&payload), &rules), ERR_BAD_TOKEN);
    buf_fini(&payload);
}

static int start(void **state)
{
    id_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_sign_we_accept),
        cmocka_unit_test(the_example_of_the_rfc_is_accepted),
        cmocka_unit_test(one_changed_byte_anywhere_is_refused),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(three_algorithms_are_known_and_no_other),
        cmocka_unit_test(doubled_and_critical_header_members_are_refused),
        cmocka_unit_test(a_token_lives_from_nbf_to_exp),
        cmocka_unit_test(claims_of_a_wrong_shape_are_refused),
        cmocka_unit_test(audience_and_issuer_must_fit),
        cmocka_unit_test(an_expired_tokens_claims_can_be_read),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(a_token_over_the_limit_is_refused_though_well_signed),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
