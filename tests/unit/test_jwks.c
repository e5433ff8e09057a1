#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/id.h"
#include "gateway/token/jwks.h"
#include "tests/unit/forge.h"

static EVP_PKEY *old_key, *new_key, *ed25519;

/* A set with the keys given, NULL at the end; the first is called "1" and so on. */
static void write_set(struct buf *out, EVP_PKEY *const keys[])
{
    buf_reset(out);
    buf_printf(out, "{\"keys\":[");
    for (int i = 0; keys[i] != NULL; i++) {
        char kid[32];
        snprintf(kid, sizeof(kid), "\"kid\":\"%d\",", i + 1);
        buf_printf(out, "%s", i > 0 ? "," : "");
        forge_jwk(out, keys[i], kid);
    }
    buf_printf(out, "]}");
}

static void fetch(struct jwks *jwks, int status, struct text body, int64_t now_ms)
{
    assert_true(jwks_fetch_begin(jwks, now_ms));
    jwks_fetch_done(jwks, status, body, now_ms);
}

static enum jwks_answer find(struct jwks *jwks, const char *kid, enum jwt_algorithm algorithm,
                             int64_t now_ms)
{
    struct jwt_key *key = NULL;
    const enum jwks_answer answer = jwks_find(jwks, text(kid), algorithm, now_ms, &key);

    assert_int_equal(answer == JWKS_FOUND, key != NULL);
    jwt_key_unref(key);
    return answer;
}

static void a_key_is_found_by_its_id_and_algorithm(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    write_set(&body, (EVP_PKEY *[]){old_key, ed25519, NULL});
    assert_true(jwks_wants_fetch(jwks, 0)); /* there is nothing yet */
    fetch(jwks, 200, buf_text(&body), 0);
    assert_int_equal(find(jwks, "1", JWT_ES256, 1), JWKS_FOUND);
    assert_int_equal(find(jwks, "2", JWT_EDDSA, 1), JWKS_FOUND);
    assert_int_equal(find(jwks, "1", JWT_ES384, 1), JWKS_NONE);
    assert_int_equal(find(jwks, "1", JWT_HS256, 1), JWKS_NONE);
    assert_int_equal(find(jwks, "1", JWT_UNKNOWN, 1), JWKS_NONE);
    assert_int_equal(find(jwks, "", JWT_ES256, 1), JWKS_FOUND); /* the only one */
    write_set(&body, (EVP_PKEY *[]){old_key, new_key, NULL});
    assert_true(jwks_wants_fetch(jwks, JWKS_AGE_MAX_MS));
    fetch(jwks, 200, buf_text(&body), JWKS_AGE_MAX_MS);
    assert_int_equal(find(jwks, "", JWT_ES256, JWKS_AGE_MAX_MS),
                     JWKS_NONE); /* two could be meant */
    buf_fini(&body);
}

static void a_new_key_is_fetched_when_it_is_first_used(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    fetch(jwks, 200, buf_text(&body), 0);
    assert_false(jwks_wants_fetch(jwks, 5000));
    assert_int_equal(find(jwks, "2", JWT_ES256, 5000), JWKS_WAIT);
    assert_true(jwks_wants_fetch(jwks, 5000));
    assert_true(jwks_fetch_begin(jwks, 5000));
    assert_false(jwks_wants_fetch(jwks, 5000));
    assert_false(jwks_fetch_begin(jwks, 5000)); /* one at a time */
    assert_int_equal(find(jwks, "2", JWT_ES256, 5100), JWKS_WAIT);
    assert_int_equal(find(jwks, "1", JWT_ES256, 5100), JWKS_FOUND);
    write_set(&body, (EVP_PKEY *[]){new_key, old_key, NULL});
    jwks_fetch_done(jwks, 200, buf_text(&body), 5200);
    assert_int_equal(find(jwks, "2", JWT_ES256, 5200), JWKS_FOUND);
    assert_false(jwks_wants_fetch(jwks, 9000)); /* those who waited were served by it */
    buf_fini(&body);
}

static void unknown_keys_cost_one_fetch_a_second(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    fetch(jwks, 200, buf_text(&body), 0);
    assert_int_equal(find(jwks, "x", JWT_ES256, JWKS_INTERVAL_MS - 1), JWKS_NONE);
    assert_false(jwks_wants_fetch(jwks, JWKS_INTERVAL_MS - 1));
    assert_int_equal(find(jwks, "x", JWT_ES256, JWKS_INTERVAL_MS), JWKS_WAIT);
    fetch(jwks, 200, buf_text(&body), JWKS_INTERVAL_MS);
    assert_int_equal(find(jwks, "x", JWT_ES256, JWKS_INTERVAL_MS + 1), JWKS_NONE);
    buf_fini(&body);
}

static void a_key_that_was_taken_back_is_gone(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    write_set(&body, (EVP_PKEY *[]){old_key, ed25519, NULL});
    fetch(jwks, 200, buf_text(&body), 0);
    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    fetch(jwks, 200, buf_text(&body), JWKS_AGE_MAX_MS);
    assert_int_equal(find(jwks, "2", JWT_EDDSA, JWKS_AGE_MAX_MS), JWKS_NONE);
    buf_fini(&body);
}

static void a_key_in_use_outlives_its_set(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};
    struct jwt_key *key = NULL;

    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    fetch(jwks, 200, buf_text(&body), 0);
    assert_int_equal(jwks_find(jwks, TEXT("1"), JWT_ES256, 1, &key), JWKS_FOUND);
    write_set(&body, (EVP_PKEY *[]){new_key, NULL});
    fetch(jwks, 200, buf_text(&body), JWKS_AGE_MAX_MS);
    assert_true(jwt_key_accepts(key, JWT_ES256));
    jwt_key_unref(key);
    buf_fini(&body);
}

static void after_a_failed_fetch_the_old_keys_stay_good(void **state)
{
    static const struct {
        int status;
        const char *body;
    } answers[] = {
        {0, ""},
        {500, "{\"keys\":[]}"},
        {200, ""},
        {200, "<html>"},
        {200, "[]"},
        {200, "{}"},
        {200, "{\"keys\":{}}"},
        {200, "{\"keys\":[]}"},
        {200, "{\"keys\":[1,null,{},{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}"},
        {200, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"c2VjcmV0\"}]}"},
    };
    struct jwks *jwks = *state;
    struct buf body = {0};
    int64_t now_ms = 0;

    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    fetch(jwks, 200, buf_text(&body), now_ms);
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        now_ms += JWKS_AGE_MAX_MS;
        fetch(jwks, answers[i].status, text(answers[i].body), now_ms);
        assert_int_equal(find(jwks, "1", JWT_ES256, now_ms), JWKS_FOUND);
        assert_int_equal(find(jwks, "2", JWT_ES256, now_ms), JWKS_UNAVAILABLE);
        assert_false(jwks_wants_fetch(jwks, now_ms));
        assert_true(jwks_wants_fetch(jwks, now_ms + JWKS_INTERVAL_MS));
    }
    buf_fini(&body);
}

static void too_many_keys_or_bytes_are_no_set(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    buf_printf(&body, "{\"keys\":[");
    for (int i = 0; i <= JWKS_KEYS_MAX; i++) {
        buf_printf(&body, "%s", i > 0 ? "," : "");
        forge_jwk(&body, old_key, "\"kid\":\"1\",");
    }
    buf_printf(&body, "]}");
    fetch(jwks, 200, buf_text(&body), 0);
    assert_int_equal(find(jwks, "1", JWT_ES256, 0), JWKS_UNAVAILABLE);
    write_set(&body, (EVP_PKEY *[]){old_key, NULL});
    while (body.len <= JWKS_BODY_MAX)
        buf_add(&body, "                ", 16);
    fetch(jwks, 200, buf_text(&body), JWKS_INTERVAL_MS);
    assert_int_equal(find(jwks, "1", JWT_ES256, JWKS_INTERVAL_MS), JWKS_UNAVAILABLE);
    buf_fini(&body);
}

static void keys_that_are_not_for_us_do_not_spoil_the_others(void **state)
{
    struct jwks *jwks = *state;
    struct buf body = {0};

    buf_printf(&body,
               "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"c2VjcmV0\"},{\"kty\":\"XYZ\"},");
    forge_jwk(&body, old_key, "\"use\":\"enc\",\"kid\":\"2\",");
    buf_printf(&body, ",");
    forge_jwk(&body, old_key, "\"kid\":\"3\",");
    buf_printf(&body, "]}");
    fetch(jwks, 200, buf_text(&body), 0);
    assert_int_equal(find(jwks, "1", JWT_HS256, 0), JWKS_NONE);
    assert_int_equal(find(jwks, "2", JWT_ES256, 0), JWKS_NONE);
    assert_int_equal(find(jwks, "3", JWT_ES256, 0), JWKS_FOUND);
    buf_fini(&body);
}

static int set_up(void **state)
{
    *state = jwks_create("https://login.example/keys");
    return 0;
}

static int tear_down(void **state)
{
    jwks_destroy(*state);
    return 0;
}

static int start(void **state)
{
    id_init();
    old_key = forge_key("P-256");
    new_key = forge_key("P-256");
    ed25519 = forge_key("ED25519");
    return 0;
}

static int end(void **state)
{
    EVP_PKEY_free(old_key);
    EVP_PKEY_free(new_key);
    EVP_PKEY_free(ed25519);
    return 0;
}

#define jwks_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        jwks_test(a_key_is_found_by_its_id_and_algorithm),
        jwks_test(a_new_key_is_fetched_when_it_is_first_used),
        jwks_test(unknown_keys_cost_one_fetch_a_second),
        jwks_test(a_key_that_was_taken_back_is_gone),
        jwks_test(a_key_in_use_outlives_its_set),
        jwks_test(after_a_failed_fetch_the_old_keys_stay_good),
        jwks_test(too_many_keys_or_bytes_are_no_set),
        jwks_test(keys_that_are_not_for_us_do_not_spoil_the_others),
    };
    return cmocka_run_group_tests(tests, start, end);
}
