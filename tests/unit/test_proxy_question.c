#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "gateway/outside/proxy_question.h"

static const struct text wishes[] = {TEXT("news"), TEXT("a\"b")};

/* All fields; each kind picks its own. */
static const struct proxy_question full = {
    .client = TEXT("4f2a"),
    .transport = TEXT("websocket"),
    .protocol = TEXT("json"),
    .user = TEXT("42"),
    .channel = TEXT("news:go"),
    .token = TEXT("t.o.k"),
    .method = TEXT("calc:add"),
    .name = TEXT("js"),
    .version = TEXT("1.0"),
    .channels = wishes,
    .channel_count = ARRAY_COUNT(wishes),
    .data = TEXT("{\"a\": [1]}"),
    .meta = TEXT("{\"shop\":7}"),
};

#define START "{\"client\":\"4f2a\",\"transport\":\"websocket\",\"protocol\":\"json\","

static void expect(enum proxy_kind kind, bool is_binary, const char *rest)
{
    struct proxy_question question = full;
    struct buf out = {0}, expected = {0};

    question.kind = kind;
    question.is_binary = is_binary;
    assert_true(proxy_question_write(&out, &question));
    buf_printf(&expected, START "%s", rest);
    assert_string_equal(buf_cstring(&out), buf_cstring(&expected));
    assert_true(json_is_valid(buf_text(&out)));
    buf_fini(&out);
    buf_fini(&expected);
}

static void each_kind_has_the_fields_of_the_reference_and_no_others(void **state)
{
    expect(PROXY_CONNECT, false,
           "\"encoding\":\"json\",\"name\":\"js\",\"version\":\"1.0\","
           "\"channels\":[\"news\",\"a\\\"b\"],\"data\":{\"a\": [1]}}");
    expect(PROXY_REFRESH, false, "\"encoding\":\"json\",\"user\":\"42\",\"meta\":{\"shop\":7}}");
    expect(PROXY_SUBSCRIBE, false,
           "\"encoding\":\"json\",\"user\":\"42\",\"channel\":\"news:go\",\"token\":\"t.o.k\","
           "\"data\":{\"a\": [1]},\"meta\":{\"shop\":7}}");
    expect(PROXY_PUBLISH, false,
           "\"encoding\":\"json\",\"user\":\"42\",\"channel\":\"news:go\",\"data\":{\"a\": [1]},"
           "\"meta\":{\"shop\":7}}");
    expect(PROXY_SUB_REFRESH, false,
           "\"encoding\":\"json\",\"user\":\"42\",\"channel\":\"news:go\",\"meta\":{\"shop\":7}}");
    expect(PROXY_RPC, false,
           "\"encoding\":\"json\",\"user\":\"42\",\"method\":\"calc:add\",\"data\":{\"a\": [1]},"
           "\"meta\":{\"shop\":7}}");
}

static void binary_data_travels_as_base64(void **state)
{
    expect(PROXY_RPC, true,
           "\"encoding\":\"binary\",\"user\":\"42\",\"method\":\"calc:add\","
           "\"b64data\":\"eyJhIjogWzFdfQ==\",\"meta\":{\"shop\":7}}");
}

static void what_is_empty_is_left_out_but_the_user(void **state)
{
    struct proxy_question question = {.kind = PROXY_SUBSCRIBE, .channel = TEXT("news")};
    struct buf out = {0};

    assert_true(proxy_question_write(&out, &question));
    assert_string_equal(buf_cstring(&out),
                        "{\"client\":\"\",\"transport\":\"\",\"protocol\":\"\","
                        "\"encoding\":\"json\",\"user\":\"\",\"channel\":\"news\"}");
    buf_reset(&out);
    question.kind = PROXY_CONNECT;
    assert_true(proxy_question_write(&out, &question));
    assert_null(strstr(buf_cstring(&out), "channels"));
    buf_fini(&out);
}

static void what_is_no_json_cannot_smuggle_members_in(void **state)
{
    struct proxy_question question = full;
    struct buf out = {0};

    question.kind = PROXY_PUBLISH;
    question.data = text("1},\"user\":\"admin\",\"x\":{");
    assert_false(proxy_question_write(&out, &question));
    assert_int_equal(out.len, 0);
    question.is_binary = true;
    assert_true(proxy_question_write(&out, &question));
    buf_reset(&out);
    question.meta = text("7,");
    assert_false(proxy_question_write(&out, &question));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_the_fields_of_the_reference_and_no_others),
        cmocka_unit_test(binary_data_travels_as_base64),
        cmocka_unit_test(what_is_empty_is_left_out_but_the_user),
        cmocka_unit_test(what_is_no_json_cannot_smuggle_members_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
