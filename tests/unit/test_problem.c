#include "fake_call.h"

const struct route routes[] = {{NULL, NULL, NULL, 0, NULL, NULL, NULL}};

static void answer(struct call *call, enum err err)
{
    problem_send(call, err);
    call_destroy(call);
}

static void a_problem_says_what_happened(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);
    struct json json;

    call->path = TEXT("/v1/rooms/7");
    answer(call, ERR_NOT_FOUND);
    assert_int_equal(fake->status, 404);
    assert_int_equal(json_parse(&json, buf_text(&fake->body)), ERR_OK);
    assert_has(fake->body, "\"type\":\"urn:parley:problem:not_found\"");
    assert_has(fake->body, "\"code\":\"not_found\"");
    assert_has(fake->body, "\"status\":404");
    assert_has(fake->body, "\"instance\":\"/v1/rooms/7\"");
    assert_has(fake->body, "\"request_id\":\"");
    assert_null(strstr(fake->body.at, "errors"));
    json_fini(&json);
}

static void a_field_is_named_with_its_own_words(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    answer(call, call_fail_field(call, ERR_OUT_OF_RANGE, "limit", "must be %d to %d", 1, 200));
    assert_has(fake->body, "\"detail\":\"limit: must be 1 to 200\"");
    assert_has(fake->body, "\"errors\":[{\"field\":\"limit\",\"code\":\"out_of_range\","
                           "\"detail\":\"must be 1 to 200\"}]");
}

static void what_a_handler_wrote_before_it_failed_is_not_sent(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    buf_add(call_out(call), "{\"half\":", 8);
    answer(call, ERR_UNAVAILABLE);
    assert_int_equal(fake->body.at[0], '{');
    assert_null(strstr(fake->body.at, "half"));
    assert_has(fake->headers, "retry-after: 1\n");
}

static void a_time_may_be_added(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    call_problem_time(call, "until", 1000000);
    call_retry_after(call, 30);
    answer(call, ERR_SILENCED);
    assert_has(fake->body, "\"until\":\"1970-01-01T00:00:01.000Z\"");
    assert_has(fake->headers, "retry-after: 30\n");
}

static void foreign_words_stay_valid_json(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);
    struct json json;
    char words[600];

    for (size_t i = 0; i + 2 < sizeof(words); i += 2)
        memcpy(words + i, "\xc3\xa4", 2); /* cut within a character unless care is taken */
    words[598] = '\0';
    call->path = TEXT("/v1/\xff");
    answer(call, call_fail(call, ERR_INVALID, "\"%s", words));
    assert_int_equal(json_parse(&json, buf_text(&fake->body)), ERR_OK);
    assert_null(strstr(fake->body.at, "instance"));
    json_fini(&json);
}

static void the_second_answer_goes_nowhere(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    buf_add(call_out(call), "{}", 2);
    assert_int_equal(call_reply(call, 201), ERR_OK);
    assert_int_equal(call_reply(call, 200), ERR_OK);
    answer(call, ERR_INTERNAL);
    assert_int_equal(fake->answers, 1);
    assert_int_equal(fake->status, 201);
}

static void after_the_peer_is_gone_nothing_is_sent(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    call->peer = NULL;
    assert_int_equal(call_reply(call, 200), ERR_OK);
    assert_int_equal(call_header(call, "host").len, 0);
    answer(call, ERR_INTERNAL);
    assert_int_equal(fake->answers, 0);
}

static void cookies_are_found_by_their_whole_name(void **state)
{
    struct fake *fake = *state;
    struct call *call = fake_call(fake);

    fake->request_headers[0] = "cookie";
    fake->request_headers[1] = "xrefresh=1; refresh=two=2; refreshed=3";
    const struct text cookie = call_cookie(call, "refresh");
    assert_true(text_equal(cookie, TEXT("two=2")));
    assert_int_equal(call_cookie(call, "fresh").len, 0);
    answer(call, ERR_INTERNAL);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAKE(a_problem_says_what_happened),
        WITH_FAKE(a_field_is_named_with_its_own_words),
        WITH_FAKE(what_a_handler_wrote_before_it_failed_is_not_sent),
        WITH_FAKE(a_time_may_be_added),
        WITH_FAKE(foreign_words_stay_valid_json),
        WITH_FAKE(the_second_answer_goes_nowhere),
        WITH_FAKE(after_the_peer_is_gone_nothing_is_sent),
        WITH_FAKE(cookies_are_found_by_their_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
