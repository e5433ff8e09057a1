#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/id.h"
#include "gateway/token/claims.h"

#define assert_text(got, expected) assert_true(text_equal(got, text(expected)))

static bool read_connect(struct connect_token *token, const char *claims, const char *user_claim)
{
    const char *why = NULL;
    struct json json;

    assert_int_equal(json_parse(&json, text(claims)), ERR_OK);
    const bool good = connect_token_read(token, json_root(&json), user_claim, &why);
    json_fini(&json);
    if (!good) {
        assert_non_null(why);
        assert_null(token->arena.blocks);
    }
    return good;
}

static bool read_subscribe(struct subscribe_token *token, const char *claims,
                           const char *user_claim)
{
    const char *why = NULL;
    struct json json;

    assert_int_equal(json_parse(&json, text(claims)), ERR_OK);
    const bool good = subscribe_token_read(token, json_root(&json), user_claim, &why);
    json_fini(&json);
    if (!good) {
        assert_non_null(why);
        assert_null(token->arena.blocks);
    }
    return good;
}

static void a_connection_token_says_all_that_it_has(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token,
                             "{\"sub\":\"42\",\"sid\":\"77\",\"exp\":2000000000,\"iat\":1700000000,"
                             "\"jti\":\"one\",\"info\":{\"name\" : \"Ada \\\" \\\\\"},\n"
                             "\"meta\":{ \"role\":\t\"admin\" },\"channels\":[\"b\",\"a\",\"b\"]}",
                             NULL));
    assert_text(token.user, "42");
    assert_int_equal(token.session, 77);
    assert_true(token.expires);
    assert_int_equal(token.expires_s, 2000000000);
    assert_int_equal(token.issued_s, 1700000000);
    assert_text(token.jti, "one");
    assert_text(token.info, "{\"name\":\"Ada \\\" \\\\\"}");
    assert_false(token.info_is_binary);
    assert_text(token.meta, "{\"role\":\"admin\"}");
    assert_int_equal(token.sub_count, 2);
    assert_text(token.subs[0].channel, "a");
    assert_text(token.subs[1].channel, "b");
    assert_int_equal(token.subs[0].override.presence, -1);
    assert_false(token.has_caps);
    connect_token_fini(&token);
}

static void an_empty_connection_token_is_that_of_somebody_anonymous(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token, "{}", ""));
    assert_int_equal(token.user.len, 0);
    assert_int_equal(token.session, 0);
    assert_false(token.expires);
    assert_int_equal(token.info.len + token.meta.len + token.sub_count + token.jti.len, 0);
    connect_token_fini(&token);
    assert_true(
        read_connect(&token,
                     "{\"sub\":null,\"info\":null,\"b64info\":null,\"meta\":null,\"subs\":null,"
                     "\"channels\":null,\"caps\":null,\"channel\":null,\"expire_at\":null,"
                     "\"jti\":null,\"sid\":null}",
                     NULL));
    assert_int_equal(token.user.len + token.info.len + token.meta.len, 0);
    assert_false(token.has_caps);
    connect_token_fini(&token);
}

static void subs_carry_options_and_beat_channels(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token,
                             "{\"sub\":\"42\",\"channels\":[\"ignored\"],\"subs\":{"
                             "\"b\":{\"info\":[1, 2],\"b64data\":\"AAEC\",\"override\":{"
                             "\"presence\":{\"value\":true},\"join_leave\":{\"value\":false},"
                             "\"force_recovery\":{},\"force_positioning\":null}},"
                             "\"\\u0061\":null}}",
                             NULL));
    assert_int_equal(token.sub_count, 2);
    const struct token_sub *a = &token.subs[0], *b = &token.subs[1];
    assert_text(a->channel, "a");
    assert_int_equal(a->override.force_positioning, -1);
    assert_text(b->channel, "b");
    assert_text(b->info, "[1,2]");
    assert_true(b->data_is_binary && !b->info_is_binary);
    assert_true(text_equal(b->data, text_of("\0\1\2", 3)));
    assert_int_equal(b->override.presence, 1);
    assert_int_equal(b->override.join_leave, 0);
    assert_int_equal(b->override.force_push_join_leave, -1);
    assert_int_equal(b->override.force_recovery, 0);
    assert_int_equal(b->override.force_positioning, -1);
    connect_token_fini(&token);
}

static void the_connection_ends_at_expire_at_or_else_at_exp(void **state)
{
    static const struct {
        const char *claims;
        bool expires;
        int64_t expires_s;
    } rows[] = {
        {"{}", false, 0},
        {"{\"exp\":100}", true, 100},
        {"{\"exp\":100.9}", true, 100},
        {"{\"exp\":100,\"expire_at\":200}", true, 200},
        {"{\"exp\":100,\"expire_at\":0}", false, 0},
        {"{\"expire_at\":200}", true, 200},
        {"{\"exp\":100,\"expire_at\":null}", true, 100},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct connect_token token;
        assert_true(read_connect(&token, rows[i].claims, NULL));
        assert_int_equal(token.expires, rows[i].expires);
        assert_int_equal(token.expires_s, rows[i].expires_s);
        connect_token_fini(&token);
    }
}

/* OpenID Connect's `sid` is any string. */
static void a_session_that_is_none_of_ours_is_none(void **state)
{
    static const char *const claims[] = {"{\"sid\":\"08a5019c-17e1-4977-8f42-65a12843ea02\"}",
                                         "{\"sid\":77}",
                                         "{\"sid\":\"0\"}",
                                         "{\"sid\":\"-1\"}",
                                         "{\"sid\":\"99999999999999999999\"}",
                                         "{\"sid\":{}}"};
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        struct connect_token token;
        assert_true(read_connect(&token, claims[i], NULL));
        assert_int_equal(token.session, 0);
        connect_token_fini(&token);
    }
}

static void info_can_be_bytes(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token, "{\"info\":{},\"b64info\":\"/+8=\"}", NULL));
    assert_true(token.info_is_binary);
    assert_true(text_equal(token.info, text_of("\377\357", 2)));
    connect_token_fini(&token);
    assert_true(read_connect(&token, "{\"info\":{},\"b64info\":\"\"}", NULL));
    assert_false(token.info_is_binary);
    assert_text(token.info, "{}");
    connect_token_fini(&token);
}

static void another_claim_can_name_the_user(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token, "{\"sub\":\"x\",\"uid\":\"42\"}", "uid"));
    assert_text(token.user, "42");
    connect_token_fini(&token);
    assert_false(read_connect(&token, "{\"sub\":\"x\"}", "uid"));
    assert_false(read_connect(&token, "{\"sub\":\"x\",\"uid\":42}", "uid"));
}

static void a_wrong_claim_makes_a_connection_token_bad(void **state)
{
    static const char *const claims[] = {
        "{\"sub\":42}",
        "{\"sub\":[\"42\"]}",
        "{\"sub\":true}",
        "{\"channel\":\"news\"}",
        "{\"channel\":\"\"}",
        "{\"channel\":1}",
        "{\"exp\":\"100\"}",
        "{\"expire_at\":\"100\"}",
        "{\"expire_at\":-1}",
        "{\"expire_at\":1e300}",
        "{\"iat\":\"now\"}",
        "{\"jti\":1}",
        "{\"b64info\":\"*\"}",
        "{\"b64info\":\"/+8\"}",
        "{\"b64info\":{}}",
        "{\"meta\":[]}",
        "{\"meta\":\"x\"}",
        "{\"channels\":\"news\"}",
        "{\"channels\":[1]}",
        "{\"channels\":[\"\"]}",
        "{\"channels\":[null]}",
        "{\"subs\":[]}",
        "{\"subs\":{\"\":{}}}",
        "{\"subs\":{\"a\":1}}",
        "{\"subs\":{\"a\":{},\"a\":{}}}",
        "{\"subs\":{\"a\":{},\"b\":{},\"\\u0061\":{}}}",
        "{\"subs\":{\"a\":{\"b64info\":\"*\"}}}",
        "{\"subs\":{\"a\":{\"b64data\":1}}}",
        "{\"subs\":{\"a\":{\"override\":[]}}}",
        "{\"subs\":{\"a\":{\"override\":{\"presence\":true}}}}",
        "{\"subs\":{\"a\":{\"override\":{\"presence\":{\"value\":1}}}}}",
        "{\"caps\":{}}",
        "{\"caps\":[{\"channels\":[\"(\",\"a\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        struct connect_token token;
        if (read_connect(&token, claims[i], NULL))
            fail_msg("%s was taken", claims[i]);
    }
}

static void a_wrong_claim_after_good_regexes_leaves_nothing_behind(void **state)
{
    struct connect_token token;

    assert_true(read_connect(
        &token,
        "{\"caps\":[{\"channels\":[\"^a\",\"b$\"],\"match\":\"regex\",\"allow\":[\"sub\"]}]}",
        NULL));
    assert_true(token.has_caps);
    assert_int_equal(caps_allow(&token.caps, TEXT("abc")), CAP_SUB);
    connect_token_fini(&token);
    assert_false(
        read_connect(&token,
                     "{\"caps\":[{\"channels\":[\"^a\"],\"match\":\"regex\",\"allow\":[\"sub\"]},"
                     "{\"channels\":[\"b\"],\"match\":\"?\",\"allow\":[]}]}",
                     NULL));
}

static void an_empty_list_of_caps_is_a_list(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token, "{\"caps\":[]}", NULL));
    assert_true(token.has_caps);
    assert_int_equal(caps_allow(&token.caps, TEXT("a")), 0);
    connect_token_fini(&token);
}

static void long_users_and_long_lists_are_refused(void **state)
{
    struct connect_token token;
    struct buf claims = {0};

    for (int over = 0; over <= 1; over++) {
        buf_reset(&claims);
        buf_printf(&claims, "{\"sub\":\"%0*d\"}", CLAIMS_USER_MAX + over, 0);
        assert_int_equal(read_connect(&token, buf_cstring(&claims), NULL), !over);
        connect_token_fini(&token);
        buf_reset(&claims);
        buf_printf(&claims, "{\"channels\":[\"0\"");
        for (int i = 1; i < CLAIMS_SUBS_MAX + over; i++)
            buf_printf(&claims, ",\"%d\"", i % 7);
        buf_printf(&claims, "]}");
        assert_int_equal(read_connect(&token, buf_cstring(&claims), NULL), !over);
        assert_int_equal(token.sub_count, over ? 0 : 7);
        connect_token_fini(&token);
    }
    buf_fini(&claims);
}

static void a_subscription_token_says_all_that_it_has(void **state)
{
    struct subscribe_token token;

    assert_true(
        read_subscribe(&token,
                       "{\"sub\":\"42\",\"channel\":\"$news\",\"client\":\"abc\",\"exp\":100,"
                       "\"expire_at\":50,\"info\":{\"a\": 1},\"b64data\":\"AA==\",\"iat\":7,"
                       "\"override\":{\"force_recovery\":{\"value\":true}},\"jti\":\"j\"}",
                       NULL));
    assert_true(token.has_user);
    assert_text(token.user, "42");
    assert_text(token.channel, "$news");
    assert_text(token.client, "abc");
    assert_true(token.expires);
    assert_int_equal(token.expires_s, 50);
    assert_text(token.info, "{\"a\":1}");
    assert_true(token.data_is_binary && !token.info_is_binary);
    assert_int_equal(token.data.len, 1);
    assert_int_equal(token.override.force_recovery, 1);
    assert_int_equal(token.override.presence, -1);
    assert_text(token.jti, "j");
    assert_int_equal(token.issued_s, 7);
    subscribe_token_fini(&token);
    assert_true(read_subscribe(&token, "{\"channel\":\"news\"}", NULL));
    assert_false(token.has_user || token.expires);
    subscribe_token_fini(&token);
    assert_true(
        read_subscribe(&token, "{\"channel\":\"news\",\"sub\":\"x\",\"uid\":\"42\"}", "uid"));
    assert_text(token.user, "42");
    subscribe_token_fini(&token);
}

static void a_wrong_claim_makes_a_subscription_token_bad(void **state)
{
    static const char *const claims[] = {
        "{}",
        "{\"sub\":\"42\"}",
        "{\"channel\":\"\"}",
        "{\"channel\":null}",
        "{\"channel\":[\"a\"]}",
        "{\"channel\":\"a\",\"sub\":42}",
        "{\"channel\":\"a\",\"client\":1}",
        "{\"channel\":\"a\",\"exp\":\"1\"}",
        "{\"channel\":\"a\",\"b64info\":\"%\"}",
        "{\"channel\":\"a\",\"b64data\":\"%\"}",
        "{\"channel\":\"a\",\"override\":1}",
        "{\"channel\":\"a\",\"override\":{\"join_leave\":{\"value\":\"yes\"}}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        struct subscribe_token token;
        if (read_subscribe(&token, claims[i], NULL))
            fail_msg("%s was taken", claims[i]);
    }
}

static int start(void **state)
{
    id_init();
    return 0;
}

static void a_claim_is_found_however_its_name_is_written(void **state)
{
    struct connect_token token;

    assert_true(read_connect(&token,
                             "{\"s\\u0075b\":\"42\",\"sub\":\"43\",\"\":1,\"substitute\":2,"
                             "\"\\u006ati\":\"one\",\"\\n\":3}",
                             NULL));
    assert_text(token.user, "42"); /* the first of the two */
    assert_text(token.jti, "one");
    connect_token_fini(&token);
    assert_true(read_connect(&token, "{\"sub\":\"42\",\"jti\":\"one\"}", "jti"));
    assert_text(token.user, "one");
    assert_text(token.jti, "one");
    connect_token_fini(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_token_says_all_that_it_has),
        cmocka_unit_test(a_claim_is_found_however_its_name_is_written),
        cmocka_unit_test(an_empty_connection_token_is_that_of_somebody_anonymous),
        cmocka_unit_test(subs_carry_options_and_beat_channels),
        cmocka_unit_test(the_connection_ends_at_expire_at_or_else_at_exp),
        cmocka_unit_test(a_session_that_is_none_of_ours_is_none),
        cmocka_unit_test(info_can_be_bytes),
        cmocka_unit_test(another_claim_can_name_the_user),
        cmocka_unit_test(a_wrong_claim_makes_a_connection_token_bad),
        cmocka_unit_test(a_wrong_claim_after_good_regexes_leaves_nothing_behind),
        cmocka_unit_test(an_empty_list_of_caps_is_a_list),
        cmocka_unit_test(long_users_and_long_lists_are_refused),
        cmocka_unit_test(a_subscription_token_says_all_that_it_has),
        cmocka_unit_test(a_wrong_claim_makes_a_subscription_token_bad),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
