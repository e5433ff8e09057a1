#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/handlers/tokens.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"

static const struct settings settings = {
    .token = {.secret = (char *)"key of access tokens",
              .audience = (char *)"parley",
              .life_s = 600},
    .refresh = {.secret = (char *)"key of refresh tokens", .life_s = 3600},
};

static int setup(void **state)
{
    id_init();
    return 0;
}

/* From memory of just that size, so that a byte read outside of it is seen. */
static enum err read_exact(struct text token, const struct settings *with, int64_t *session_id,
                           int64_t *generation)
{
    char *exact = xmalloc(token.len);
    if (token.len > 0)
        memcpy(exact, token.at, token.len);
    const enum err err =
        tokens_read_refresh(text_of(exact, token.len), with, session_id, generation);
    free(exact);
    return err;
}

static enum err read_refresh(struct text token)
{
    int64_t session_id, generation;
    return read_exact(token, &settings, &session_id, &generation);
}

/* ---- refresh tokens ---- */

static void a_refresh_token_tells_its_session_and_generation(void **state)
{
    static const int64_t numbers[] = {1, 42, INT64_C(382460701584662532), INT64_MAX};

    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        struct buf token = {0};
        int64_t session_id, generation;

        tokens_refresh(&token, &settings, numbers[i], numbers[ARRAY_COUNT(numbers) - 1 - i]);
        assert_true(token.len <= REFRESH_TOKEN_MAX);
        assert_int_equal(read_exact(buf_text(&token), &settings, &session_id, &generation), ERR_OK);
        assert_true(session_id == numbers[i]);
        assert_true(generation == numbers[ARRAY_COUNT(numbers) - 1 - i]);
        buf_fini(&token);
    }
}

static void a_refresh_token_with_any_byte_changed_is_refused(void **state)
{
    struct buf token = {0};

    tokens_refresh(&token, &settings, INT64_C(382460701584662532), 17);
    for (size_t at = 0; at < token.len; at++) {
        const char was = token.at[at];
        for (int c = 0; c < 256; c++) {
            token.at[at] = (char)c;
            if (token.at[at] != was && read_refresh(buf_text(&token)) == ERR_OK)
                fail_msg("taken with byte %d at %zu", c, at);
        }
        token.at[at] = was;
    }
    assert_int_equal(read_refresh(buf_text(&token)), ERR_OK);
    buf_fini(&token);
}

static void a_refresh_token_cut_short_or_made_longer_is_refused(void **state)
{
    struct buf token = {0};

    tokens_refresh(&token, &settings, 5, 6);
    for (size_t len = 0; len < token.len; len++)
        assert_int_equal(read_refresh(text_of(token.at, len)), ERR_BAD_TOKEN);
    for (int more = 0; more < 2 * REFRESH_TOKEN_MAX; more++) {
        buf_add_byte(&token, more % 2 == 0 ? 'A' : '.');
        assert_int_equal(read_refresh(buf_text(&token)), ERR_BAD_TOKEN);
    }
    buf_fini(&token);
}

static void what_is_no_refresh_token_is_refused(void **state)
{
    static const char *const wrong[] = {"",     ".",   "..",   "...",  "1.2",
                                        "1.2.", "1..", ".1.2", "a.b.c"};

    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(read_refresh(text(wrong[i])), ERR_BAD_TOKEN);
    assert_int_equal(read_refresh((struct text){0}), ERR_BAD_TOKEN);
}

static void a_refresh_token_of_another_key_is_refused(void **state)
{
    struct settings other = settings;
    struct buf token = {0};

    other.refresh.secret = (char *)"key of refresh tokenz";
    tokens_refresh(&token, &other, 5, 6);
    assert_int_equal(read_refresh(buf_text(&token)), ERR_BAD_TOKEN);
    buf_fini(&token);
}

static void the_parts_of_two_refresh_tokens_do_not_mix(void **state)
{
    struct buf old = {0}, next = {0}, mixed = {0};

    tokens_refresh(&old, &settings, 5, 6);
    tokens_refresh(&next, &settings, 5, 7);
    assert_int_equal(old.len, next.len);
    buf_add(&mixed, next.at, strlen("5.7."));
    buf_add(&mixed, old.at + strlen("5.6."), old.len - strlen("5.6."));
    assert_int_equal(read_refresh(buf_text(&mixed)), ERR_BAD_TOKEN);
    buf_fini(&old);
    buf_fini(&next);
    buf_fini(&mixed);
}

/* ---- access tokens ---- */

static enum err verify(struct text token, const char *audience, int64_t now_us, struct buf *payload)
{
    const struct jwt_rules rules = {
        .key = text(settings.token.secret), .audience = text(audience), .now_us = now_us};
    struct json claims = {0};
    const enum err err = jwt_verify(token, &rules, payload, &claims);

    json_fini(&claims);
    return err;
}

static void an_access_token_is_good_for_its_life_and_names_user_and_session(void **state)
{
    struct buf token = {0}, payload = {0};
    const int64_t ends_us = tokens_access(&token, &settings, 8, 9);

    assert_int_equal(verify(buf_text(&token), "parley", clock_wall_us(), &payload), ERR_OK);
    assert_non_null(strstr(buf_cstring(&payload), "\"sub\":\"8\",\"sid\":\"9\""));
    buf_fini(&payload);
    assert_int_equal(verify(buf_text(&token), "parley", ends_us - 1, &payload), ERR_OK);
    buf_fini(&payload);
    assert_int_equal(verify(buf_text(&token), "parley", ends_us + 1000000, &payload),
                     ERR_TOKEN_EXPIRED);
    buf_fini(&payload);
    buf_fini(&token);
}

static void an_access_token_is_for_its_audience(void **state)
{
    struct buf token = {0}, payload = {0};

    (void)tokens_access(&token, &settings, 8, 9);
    assert_int_equal(verify(buf_text(&token), "another", clock_wall_us(), &payload), ERR_BAD_TOKEN);
    buf_fini(&payload);
    buf_fini(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_token_tells_its_session_and_generation),
        cmocka_unit_test(a_refresh_token_with_any_byte_changed_is_refused),
        cmocka_unit_test(a_refresh_token_cut_short_or_made_longer_is_refused),
        cmocka_unit_test(what_is_no_refresh_token_is_refused),
        cmocka_unit_test(a_refresh_token_of_another_key_is_refused),
        cmocka_unit_test(the_parts_of_two_refresh_tokens_do_not_mix),
        cmocka_unit_test(an_access_token_is_good_for_its_life_and_names_user_and_session),
        cmocka_unit_test(an_access_token_is_for_its_audience),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
