#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "gateway/outside/proxy_answer.h"

static struct proxy_answer *read_text(enum proxy_kind kind, const char *json)
{
    struct buf body = {0};
    buf_printf(&body, "%s", json);
    struct proxy_answer *answer = proxy_answer_read(kind, &body);
    assert_null(body.at);
    return answer;
}

#define assert_text(actual, expected)                                                              \
    do {                                                                                           \
        const struct text assert_text_actual = (actual);                                           \
        assert_int_equal(assert_text_actual.len, strlen(expected));                                \
        assert_memory_equal(assert_text_actual.at, expected, strlen(expected));                    \
    } while (0)

static void outcomes_have_their_precedence(void **state)
{
    static const struct {
        const char *json;
        enum proxy_outcome outcome;
        int code;
        const char *message;
        bool has_result;
    } rows[] = {
        {"{\"result\":{}}", PROXY_RESULT, 0, "", true},
        {"{\"result\":null}", PROXY_RESULT, 0, "", false},
        {"{}", PROXY_RESULT, 0, "", false},
        {"{\"result\":{},\"error\":null,\"disconnect\":null,\"extra\":[1]}", PROXY_RESULT, 0, "",
         true},
        {"{\"error\":{\"code\":400,\"message\":\"no tea\"},\"result\":{}}", PROXY_ERROR, 400,
         "no tea", false},
        {"{\"error\":{\"code\":1999}}", PROXY_ERROR, 1999, "", false},
        {"{\"error\":{\"code\":103,\"message\":\"m\"}}", PROXY_ERROR, 103, "m", false},
        {"{\"error\":{\"code\":70000,\"message\":\"m\"}}", PROXY_ERROR, 70000, "m", false},
        {"{\"error\":{\"code\":\"x\"},\"disconnect\":{\"code\":4500,\"reason\":\"bye\"}}",
         PROXY_DISCONNECT, 4500, "bye", false},
        {"{\"disconnect\":{\"code\":4000,\"reason\":\"a\"},\"result\":7}", PROXY_DISCONNECT, 4000,
         "a", false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_answer *answer = read_text(PROXY_RPC, rows[i].json);
        assert_int_equal(answer->outcome, rows[i].outcome);
        assert_int_equal(answer->code, rows[i].code);
        assert_text(answer->message, rows[i].message);
        assert_int_equal(answer->has_result, rows[i].has_result);
        proxy_answer_destroy(answer);
    }
}

static void what_is_no_answer_fails_and_says_why(void **state)
{
    static const struct {
        enum proxy_kind kind;
        const char *json, *why;
    } rows[] = {
        {PROXY_RPC, "", "empty"},
        {PROXY_RPC, "<html>", "no JSON"},
        {PROXY_RPC, "{\"result\":{}} x", "no JSON"},
        {PROXY_RPC, "null", "no JSON object"},
        {PROXY_RPC, "[]", "no JSON object"},
        {PROXY_RPC, "{\"result\":7}", "result is no object"},
        {PROXY_RPC, "{\"error\":7}", "error is no object"},
        {PROXY_RPC, "{\"error\":{}}", "error.code is missing"},
        {PROXY_RPC, "{\"error\":{\"code\":0}}", "error.code"},
        {PROXY_RPC, "{\"error\":{\"code\":\"400\"}}", "error.code"},
        {PROXY_RPC, "{\"error\":{\"code\":400,\"message\":7}}", "error.message"},
        {PROXY_RPC, "{\"error\":{\"code\":400,\"temporary\":1}}", "error.temporary"},
        {PROXY_RPC, "{\"disconnect\":\"x\"}", "disconnect is no object"},
        {PROXY_RPC, "{\"disconnect\":{\"reason\":\"x\"}}", "disconnect.code"},
        {PROXY_RPC, "{\"disconnect\":{\"code\":5000}}", "disconnect.code 5000"},
        {PROXY_RPC, "{\"disconnect\":{\"code\":1000}}", "disconnect.code 1000"},
        {PROXY_RPC, "{\"disconnect\":{\"code\":4001,\"reason\":{}}}", "disconnect.reason"},
        {PROXY_RPC, "{\"result\":{\"b64data\":\"!\"}}", "result.b64data"},
        {PROXY_RPC, "{\"result\":{\"b64data\":\"eyJ9\\n\"}}", "result.b64data"},
        {PROXY_CONNECT, "{\"result\":{\"user\":42}}", "result.user"},
        {PROXY_CONNECT, "{\"result\":{\"user\":\"a\",\"expire_at\":1.5}}", "result.expire_at"},
        {PROXY_CONNECT, "{\"result\":{\"channels\":\"news\"}}", "result.channels"},
        {PROXY_CONNECT, "{\"result\":{\"channels\":[1]}}", "result.channels"},
        {PROXY_CONNECT, "{\"result\":{\"subs\":[]}}", "result.subs"},
        {PROXY_CONNECT, "{\"result\":{\"subs\":{\"a\":1}}}", "result.subs"},
        {PROXY_CONNECT, "{\"result\":{\"subs\":{\"a\":{\"override\":{\"presence\":true}}}}}",
         "result.subs"},
        {PROXY_SUBSCRIBE, "{\"result\":{\"override\":{\"presence\":{\"value\":1}}}}",
         "result.override"},
        {PROXY_REFRESH, "{\"result\":{\"expired\":\"yes\"}}", "result.expired"},
        {PROXY_PUBLISH, "{\"result\":{\"tags\":{\"a\":1}}}", "result.tags"},
        {PROXY_PUBLISH, "{\"result\":{\"version\":-1}}", "result.version"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_answer *answer = read_text(rows[i].kind, rows[i].json);
        assert_int_equal(answer->outcome, PROXY_FAILED);
        if (strstr(answer->why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].json, answer->why);
        assert_false(answer->has_result);
        proxy_answer_destroy(answer);
    }
}

static void a_connect_result_is_read_whole(void **state)
{
    struct proxy_answer *answer = read_text(
        PROXY_CONNECT,
        "{\"result\":{\"user\":\"4\\u0032\",\"expire_at\":1900000000,\"info\":{\"n\":\"Ada\"},"
        "\"b64data\":\"AAH/\",\"data\":\"loses\",\"channels\":[\"a\",\"b\\n\"],\"subs\":{"
        "\"news\\u003ago\":{\"info\":7,\"b64info\":\"\",\"data\": [ 1 ],\"expire_at\":5,"
        "\"override\":{\"presence\":{\"value\":true},\"join_leave\":{\"value\":false},"
        "\"force_recovery\":{},\"force_positioning\":null},\"cache_recover\":true},"
        "\"c\":null},\"meta\":{\"shop\":7},\"caps\":[{}],\"labels\":{},\"tags\":5}}");

    assert_int_equal(answer->outcome, PROXY_RESULT);
    assert_text(answer->user, "42");
    assert_true(answer->expires);
    assert_int_equal(answer->expire_at_s, 1900000000);
    assert_text(answer->info.bytes, "{\"n\":\"Ada\"}");
    assert_false(answer->info.is_binary);
    assert_int_equal(answer->data.bytes.len, 3);
    assert_memory_equal(answer->data.bytes.at, "\0\1\377", 3);
    assert_true(answer->data.is_binary);
    assert_int_equal(answer->channel_count, 2);
    assert_text(answer->channels[1], "b\n");
    assert_text(answer->meta, "{\"shop\":7}");
    assert_text(answer->caps, "[{}]");
    assert_int_equal(answer->tag_count, 0);

    assert_int_equal(answer->sub_count, 2);
    const struct proxy_sub *sub = &answer->subs[0];
    assert_text(sub->channel, "news:go");
    assert_text(sub->info.bytes, "7");
    assert_text(sub->data.bytes, "[ 1 ]");
    assert_true(sub->expires && sub->expire_at_s == 5 && sub->cache_recover);
    assert_int_equal(sub->override.presence, 1);
    assert_int_equal(sub->override.join_leave, 0);
    assert_int_equal(sub->override.force_push_join_leave, -1);
    assert_int_equal(sub->override.force_recovery, 0);
    assert_int_equal(sub->override.force_positioning, -1);
    assert_text(answer->subs[1].channel, "c");
    assert_int_equal(answer->subs[1].override.presence, -1);
    assert_false(answer->subs[1].expires);
    proxy_answer_destroy(answer);
}

static void a_publish_result_is_read_whole(void **state)
{
    struct proxy_answer *answer = read_text(
        PROXY_PUBLISH,
        "{\"result\":{\"data\":{\"a\":1},\"skip_history\":true,\"delta\":true,"
        "\"tags\":{\"k\":\"v\"},"
        "\"idempotency_key\":\"key\",\"version\":9007199254740993,\"version_epoch\":\"e\","
        "\"user\":5,\"expire_at\":\"x\",\"override\":1}}");

    assert_int_equal(answer->outcome, PROXY_RESULT);
    assert_text(answer->data.bytes, "{\"a\":1}");
    assert_true(answer->skip_history && answer->delta);
    assert_int_equal(answer->tag_count, 1);
    assert_text(answer->tags[0].key, "k");
    assert_text(answer->tags[0].value, "v");
    assert_text(answer->idempotency_key, "key");
    assert_text(answer->version_epoch, "e");
    assert_true(answer->version == 9007199254740993);
    assert_int_equal(answer->user.len, 0);
    proxy_answer_destroy(answer);
}

static void refreshes_say_whether_it_is_over(void **state)
{
    static const struct {
        enum proxy_kind kind;
        const char *json;
        bool expired, expires;
        int64_t expire_at_s;
    } rows[] = {
        {PROXY_REFRESH, "{\"result\":{\"expired\":true}}", true, false, 0},
        {PROXY_REFRESH, "{\"result\":{\"expire_at\":1900000000}}", false, true, 1900000000},
        {PROXY_REFRESH, "{\"result\":{\"expire_at\":0}}", false, false, 0},
        {PROXY_REFRESH, "{\"result\":{\"expire_at\":-5}}", false, false, 0},
        {PROXY_SUB_REFRESH, "{\"result\":{\"expired\":false,\"expire_at\":9223372036854775807}}",
         false, true, 253402300799},
        {PROXY_SUBSCRIBE, "{\"result\":{\"expired\":7,\"expire_at\":12}}", false, true, 12},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_answer *answer = read_text(rows[i].kind, rows[i].json);
        assert_int_equal(answer->outcome, PROXY_RESULT);
        assert_int_equal(answer->expired, rows[i].expired);
        assert_int_equal(answer->expires, rows[i].expires);
        assert_int_equal(answer->expire_at_s, rows[i].expire_at_s);
        proxy_answer_destroy(answer);
    }
}

static void a_back_end_closes_with_codes_of_its_own_or_known_ones(void **state)
{
    static const int good[] = {3000, 3001, 3004, 3006, 3008, 3014, 3500, 3509, 4000, 4499, 4999};
    static const int bad[] = {-1, 0, 1000, 2500, 2999, 3002, 3007, 3015, 3499, 3510, 3999, 5000};

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(proxy_may_disconnect(good[i]));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(proxy_may_disconnect(bad[i]));
}

static void a_reason_fits_a_close_frame_and_is_no_json(void **state)
{
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
    static const struct {
        const char *given, *used;
    } rows[] = {
        {"bye", "bye"},
        {"", "disconnect"},
        {"{\"reason\":\"x\",\"reconnect\":true}", "disconnect"},
        {" {} ", "disconnect"},
        {"null", "disconnect"},
        {"{not json", "{not json"},
        {"r" HUNDRED TEN TEN TEN, "r" HUNDRED TEN TEN "01"},
        {"r" HUNDRED TEN TEN "0\303\244", "r" HUNDRED TEN TEN "0"},
        {"r" HUNDRED TEN TEN "\303\244x", "r" HUNDRED TEN TEN "\303\244"},
        {"r" HUNDRED TEN TEN "\360\237\215\265", "r" HUNDRED TEN TEN},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_answer *answer = proxy_answer_disconnect(4000, text(rows[i].given));
        assert_text(answer->message, rows[i].used);
        proxy_answer_destroy(answer);
    }
}

static void many_escapes_do_not_outgrow_their_memory(void **state)
{
    struct buf json = {0};

    buf_printf(&json, "{\"result\":{\"channels\":[");
    for (int i = 0; i < 500; i++)
        buf_printf(&json, "%s\"\\ud83c\\udf75\xf0\x9f\x8d\xb5\"", i > 0 ? "," : "");
    buf_printf(&json, "]}}");
    struct proxy_answer *answer = proxy_answer_read(PROXY_CONNECT, &json);
    assert_int_equal(answer->channel_count, 500);
    for (int i = 0; i < 500; i++)
        assert_text(answer->channels[i], "\xf0\x9f\x8d\xb5\xf0\x9f\x8d\xb5");
    proxy_answer_destroy(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_have_their_precedence),
        cmocka_unit_test(what_is_no_answer_fails_and_says_why),
        cmocka_unit_test(a_connect_result_is_read_whole),
        cmocka_unit_test(a_publish_result_is_read_whole),
        cmocka_unit_test(refreshes_say_whether_it_is_over),
        cmocka_unit_test(a_back_end_closes_with_codes_of_its_own_or_known_ones),
        cmocka_unit_test(a_reason_fits_a_close_frame_and_is_no_json),
        cmocka_unit_test(many_escapes_do_not_outgrow_their_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
