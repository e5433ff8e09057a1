#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/api_place.h"

#define assert_text(given, expected) assert_true(text_equal(given, text(expected)))

static void run(const char *method, const char *params)
{
    assert_true(place_run(method, text(params)));
}

/* The only request that was asked. */
static struct request *ask(const char *method, const char *params)
{
    run(method, params);
    assert_int_equal(place.asked_count, 1);
    assert_int_equal(place.done_count, 0);
    return place.asked[0];
}

static void assert_result(const char *expected)
{
    assert_int_equal(place.done_count, 1);
    assert_int_equal(place.command.error, 0);
    assert_string_equal(buf_cstring(&place.command.result), expected);
}

static void assert_error(int error, const char *message)
{
    assert_int_equal(place.done_count, 1);
    assert_int_equal(place.command.error, error);
    assert_string_equal(place.command.message, message);
}

static void finish(void)
{
    for (size_t i = 0; i < place.asked_count; i++)
        if (place.asked[i] != NULL)
            place_answer(i, REQUEST_DONE);
    assert_int_equal(place.done_count, 1);
}

/* ---- publish ---- */

static void publish_asks_for_all_that_was_given(void **state)
{
    const struct request *request =
        ask("publish", "{\"channel\":\"bare:a\",\"data\":{\"n\":1},\"tags\":{\"k\\u0065y\":\"v\"},"
                       "\"idempotency_key\":\"i\",\"version\":18446744073709551615,"
                       "\"version_epoch\":\"e\",\"skip_history\":true,\"delta\":true}");

    assert_int_equal(request->kind, REQUEST_PUBLISH);
    assert_ptr_equal(request->namespace, &place_namespaces[0]);
    assert_text(request->channel, "bare:a");
    assert_text(request->data, "{\"n\":1}");
    assert_true(request->is_json && request->skip_history && request->delta);
    assert_int_equal(request->tag_count, 1);
    assert_text(request->tags[0].key, "key");
    assert_text(request->tags[0].value, "v");
    assert_text(request->idempotency_key, "i");
    assert_text(request->version_epoch, "e");
    assert_true(request->version == UINT64_MAX);
    assert_false(request->has_info);
    assert_null(request->client);
    finish();
    assert_result("{}");
}

static void a_position_is_told(void **state)
{
    struct request *request = ask("publish", "{\"channel\":\"a\",\"data\":1}");

    request->position = UINT64_MAX;
    request->position_epoch = TEXT("abcd");
    finish();
    assert_result("{\"offset\":18446744073709551615,\"epoch\":\"abcd\"}");
}

static void bytes_are_not_taken_for_json(void **state)
{
    const struct request *request =
        ask("publish", "{\"channel\":\"a\",\"data\":1,\"b64data\":\"AP8=\"}");

    assert_int_equal(request->data.len, 2);
    assert_memory_equal(request->data.at, "\0\xff", 2);
    assert_false(request->is_json);
    finish();
}

static void the_products_channels_are_unknown(void **state)
{
    run("publish", "{\"channel\":\"chats\",\"data\":1}");
    assert_error(102, "unknown channel");
}

/* ---- what the broker answers ---- */

static void an_error_of_the_broker_is_the_commands(void **state)
{
    struct request *request = ask("history", "{\"channel\":\"a\"}");

    request->error = 112;
    place_answer(0, REQUEST_FAILED);
    assert_error(112, "unrecoverable position");
    request = ask("history", "{\"channel\":\"a\"}");
    request_fail(request, 113, (struct text){0}, true);
    place_answer(0, REQUEST_FAILED);
    assert_error(113, "conflict");
    request = ask("history", "{\"channel\":\"a\"}");
    request_fail(request, 100, TEXT("no API answers"), true);
    place_answer(0, REQUEST_FAILED);
    assert_error(100, "no API answers");
    ask("history", "{\"channel\":\"a\"}");
    place_answer(0, REQUEST_DISCONNECT);
    assert_error(100, "internal server error");
}

static void an_overrun_broker_is_an_error(void **state)
{
    place_is_overrun = true;
    run("publish", "{\"channel\":\"a\",\"data\":1}");
    assert_error(100, "internal server error");
}

static void a_loop_asks_so_many_at_once(void **state)
{
    struct buf params = {0};

    buf_printf(&params, "{\"data\":1,\"channels\":[\"a\"");
    for (size_t i = 1; i < API_COMMANDS_MAX; i++)
        buf_printf(&params, ",\"a\"");
    buf_printf(&params, "]}");
    place_width = API_COMMANDS_MAX;
    assert_true(place_run("broadcast", buf_text(&params)));
    assert_int_equal(place.asked_count, API_REQUESTS_MAX);
    finish();
    assert_non_null(strstr(buf_cstring(&place.command.result), "\"code\":111"));
    buf_fini(&params);
}

static void what_is_no_json_is_told_in_base64(void **state)
{
    struct client_info info = {.user = TEXT("u"), .client = TEXT("c"), .conn_info = TEXT("\x01"),
                               .chan_info = TEXT("{\"a\":1}")};
    struct request *request = ask("presence", "{\"channel\":\"a\"}");

    request->entries = &info;
    request->entry_count = 1;
    finish();
    assert_result("{\"presence\":{\"c\":{\"user\":\"u\",\"client\":\"c\",\"b64conn_info\":\"AQ==\","
                  "\"chan_info\":{\"a\":1}}}}");
}

static void history_tells_who_published(void **state)
{
    const struct client_info info = {.user = TEXT("u"), .client = TEXT("c")};
    struct request *request = ask("history", "{\"channel\":\"a\",\"limit\":-1,\"reverse\":true,"
                                             "\"since\":{\"offset\":8,\"epoch\":\"e\"}}");
    struct parcel *parcel =
        parcel_create(&(struct parcel_content){.data = TEXT("1"), .offset = 7, .info = &info});

    assert_int_equal(request->limit, -1);
    assert_true(request->reverse && request->has_since);
    assert_int_equal(request->offset, 8);
    assert_text(request->epoch, "e");
    request_begin_publications(request, 1);
    request_add_publication(request, parcel);
    parcel_unref(parcel);
    request->position = 9;
    request->position_epoch = TEXT("e");
    finish();
    assert_result("{\"publications\":[{\"data\":1,\"info\":{\"user\":\"u\",\"client\":\"c\"},"
                  "\"offset\":7}],\"epoch\":\"e\",\"offset\":9}");
}

static void gateways_are_asked_and_their_answer_is_the_result(void **state)
{
    struct request *request = ask("channels", "{\"pattern\":\"a*\\\"\"}");

    assert_int_equal(request->kind, REQUEST_SURVEY);
    assert_text(request->data, "{\"channels\":{\"pattern\":\"a*\\\"\"}}");
    request->told = TEXT("{\"channels\":{}}");
    finish();
    assert_result("{\"channels\":{}}");
    request = ask("channels", "{}");
    assert_text(request->data, "{\"channels\":{}}");
    finish();
    request = ask("connections", "{\"user\":\"ada\"}");
    assert_text(request->data, "{\"connections\":{\"user\":\"ada\"}}");
    finish();
    request = ask("info", "{}");
    assert_int_equal(request->kind, REQUEST_NODES);
    finish();
}

/* ---- orders ---- */

static const struct order *order(const char *method, const char *params)
{
    const struct request *request = ask(method, params);

    assert_int_equal(request->kind, REQUEST_ORDER);
    return request->order;
}

static void an_order_concerns_one_user_unless_a_client_is_named_alone(void **state)
{
    static const struct {
        const char *params;
        bool any_user;
    } rows[] = {
        {"{}", false},
        {"{\"user\":\"\"}", false},
        {"{\"user\":null}", false},
        {"{\"user\":\"ada\",\"client\":\"c\"}", false},
        {"{\"user\":\"\",\"client\":\"c\"}", false},
        {"{\"client\":\"\"}", false},
        {"{\"client\":\"c\"}", true},
        {"{\"session\":\"s\"}", true},
        {"{\"user\":null,\"session\":\"s\"}", true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(order("disconnect", rows[i].params)->any_user, rows[i].any_user);
        finish();
        assert_result("{}");
    }
}

static void subscribe_orders_all_that_was_given(void **state)
{
    const struct order *given =
        order("subscribe", "{\"user\":\"ada\",\"session\":\"s\",\"channel\":\"a\","
                           "\"info\":{\"i\":1},"
                           "\"b64data\":\"MQ==\",\"data\":2,\"expire_at\":99,"
                           "\"recover_since\":{\"offset\":5,\"epoch\":\"e\"},"
                           "\"override\":{\"presence\":{\"value\":false},"
                           "\"join_leave\":{\"value\":true},"
                           "\"force_recovery\":{}}}");

    assert_int_equal(given->kind, ORDER_SUBSCRIBE);
    assert_text(given->user, "ada");
    assert_text(given->session, "s");
    assert_text(given->channel, "a");
    assert_text(given->info, "{\"i\":1}");
    assert_text(given->data, "1");
    assert_true(given->has_expires && given->expires_s == 99);
    assert_true(given->has_recover_since && given->offset == 5);
    assert_text(given->epoch, "e");
    assert_int_equal(given->override.presence, 0);
    assert_int_equal(given->override.join_leave, 1);
    assert_int_equal(given->override.force_recovery, -1);
    assert_int_equal(given->override.force_positioning, -1);
    finish();
    run("subscribe",
        "{\"user\":\"ada\",\"channel\":\"a\",\"override\":{\"presence\":{\"value\":1}}}");
    assert_error(107, "bad request");
}

static void disconnect_and_unsubscribe_have_a_code_and_a_reason(void **state)
{
    const struct order *given = order("disconnect", "{\"user\":\"a\",\"whitelist\":[\"x\",\"y\"]}");

    assert_int_equal(given->code, 3503);
    assert_text(given->reason, "force disconnect");
    assert_int_equal(given->whitelist_count, 2);
    assert_text(given->whitelist[1], "y");
    finish();
    given = order("disconnect", "{\"user\":\"a\",\"disconnect\":{\"code\":4001,\"reason\":\"r\"}}");
    assert_int_equal(given->code, 4001);
    assert_text(given->reason, "r");
    finish();
    given = order("unsubscribe", "{\"user\":\"a\"}");
    assert_int_equal(given->code, 2000);
    assert_text(given->reason, "server unsubscribe");
    assert_int_equal(given->channel.len, 0);
    finish();
}

static void refresh_knows_never_from_not_given(void **state)
{
    const struct order *given = order("refresh", "{\"user\":\"a\",\"expire_at\":0,\"info\":[1]}");

    assert_true(given->has_expires && !given->expires && given->expires_s == 0);
    assert_text(given->info, "[1]");
    finish();
    given = order("refresh", "{\"user\":\"a\",\"expired\":true}");
    assert_true(given->expired && !given->has_expires);
    finish();
    given = order("refresh", "{\"user\":\"a\",\"expire_at\":7}");
    assert_true(given->expires && given->expires_s == 7);
    finish();
}

static void no_end_is_so_far_away_that_sums_overflow(void **state)
{
    const struct order *given =
        order("refresh", "{\"user\":\"a\",\"expire_at\":9223372036854775807}");

    assert_int_equal(given->expires_s, 253402300799); /* the end of the year 9999 */
    finish();
}

static void who_may_not_come_is_ordered(void **state)
{
    const struct order *given = order("block_user", "{\"user\":\"a\",\"expire_at\":5}");

    assert_int_equal(given->kind, ORDER_BLOCK_USER);
    assert_text(given->user, "a");
    assert_int_equal(given->expires_s, 5);
    finish();
    assert_int_equal(order("unblock_user", "{\"user\":\"a\"}")->kind, ORDER_UNBLOCK_USER);
    finish();
    given = order("revoke_token", "{\"uid\":\"t\"}");
    assert_int_equal(given->kind, ORDER_REVOKE_TOKEN);
    assert_text(given->jti, "t");
    finish();
    given = order("invalidate_user_tokens",
                  "{\"user\":\"a\",\"issued_before\":4,\"channel\":\"c\"}");
    assert_int_equal(given->kind, ORDER_REVOKE_USER);
    assert_int_equal(given->issued_before_s, 4);
    assert_text(given->channel, "c");
    finish();
    assert_true(order("invalidate_user_tokens", "{\"user\":\"a\"}")->issued_before_s > 1700000000);
    finish();
}

/* ---- several at once ---- */

static void a_broadcast_shares_its_data_and_answers_in_order(void **state)
{
    run("broadcast", "{\"channels\":[\"a\",\"nope:b\",\"bare:c\"],\"data\":{\"n\":1}}");
    assert_int_equal(place.asked_count, 2);
    assert_ptr_equal(place.asked[0]->data.at, place.asked[1]->data.at);
    place.asked[1]->position = 2;
    place_answer(1, REQUEST_DONE);
    assert_int_equal(place.done_count, 0);
    place.asked[0]->position = 1;
    place_answer(0, REQUEST_DONE);
    assert_result("{\"responses\":[{\"result\":{\"offset\":1}},{\"error\":{\"code\":102,"
                  "\"message\":\"unknown channel\"}},{\"result\":{\"offset\":2}}]}");
}

static void a_batch_asks_one_after_the_other(void **state)
{
    run("batch", "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":1}},{\"rpc\":{}},"
                 "{\"history_remove\":{\"channel\":\"a\"}}]}");
    assert_int_equal(place.asked_count, 1);
    place_answer(0, REQUEST_DONE);
    assert_int_equal(place.asked_count, 2);
    assert_int_equal(place.asked[1]->kind, REQUEST_HISTORY_REMOVE);
    place_answer(1, REQUEST_DONE);
    assert_result("{\"replies\":[{\"publish\":{}},"
                  "{\"error\":{\"code\":107,\"message\":\"bad request\"}},"
                  "{\"history_remove\":{}}]}");
}

/* `count` commands that publish, as JSON. */
static struct text many(struct buf *out, size_t count, const char *command)
{
    buf_printf(out, "{\"parallel\":true,\"commands\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? "," : "", command);
    buf_printf(out, "]}");
    return buf_text(out);
}

static void a_parallel_batch_has_a_bound(void **state)
{
    struct buf params = {0};

    assert_true(
        place_run("batch", many(&params, 2000, "{\"publish\":{\"channel\":\"a\",\"data\":1}}")));
    assert_int_equal(place.asked_count, API_PARALLEL_MAX);
    place_answer(5, REQUEST_DONE);
    assert_int_equal(place.asked_count, API_PARALLEL_MAX + 1);
    finish();
    assert_int_equal(place.answered_count, 2000);
    buf_fini(&params);
}

static void ten_thousand_refusals_do_not_fill_the_stack(void **state)
{
    struct buf params = {0};

    assert_true(place_run("batch", many(&params, API_COMMANDS_MAX, "{\"publish\":{}}")));
    assert_int_equal(place.done_count, 1);
    assert_int_equal(place.command.error, 0);
    buf_fini(&params);
}

static void answers_have_a_bound_together(void **state)
{
    struct buf told = {0};

    run("batch", "{\"commands\":[{\"info\":{}},{\"info\":{}},{\"info\":{}}]}");
    buf_reserve(&told, API_ANSWER_MAX / 4 * 3);
    memset(told.at, ' ', API_ANSWER_MAX / 4 * 3);
    told.len = API_ANSWER_MAX / 4 * 3;
    for (size_t i = 0; i < 3; i++) {
        place.asked[i]->told = i < 2 ? buf_text(&told) : TEXT("{}");
        place_answer(i, REQUEST_DONE);
    }
    assert_error(106, "limit exceeded");
    buf_fini(&told);
}

static int after(void **state)
{
    place_fini();
    place_is_overrun = false;
    place_width = API_PARALLEL_MAX;
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(publish_asks_for_all_that_was_given),
        TEST(a_position_is_told),
        TEST(bytes_are_not_taken_for_json),
        TEST(the_products_channels_are_unknown),
        TEST(an_error_of_the_broker_is_the_commands),
        TEST(an_overrun_broker_is_an_error),
        TEST(a_loop_asks_so_many_at_once),
        TEST(what_is_no_json_is_told_in_base64),
        TEST(history_tells_who_published),
        TEST(gateways_are_asked_and_their_answer_is_the_result),
        TEST(an_order_concerns_one_user_unless_a_client_is_named_alone),
        TEST(subscribe_orders_all_that_was_given),
        TEST(disconnect_and_unsubscribe_have_a_code_and_a_reason),
        TEST(refresh_knows_never_from_not_given),
        TEST(no_end_is_so_far_away_that_sums_overflow),
        TEST(who_may_not_come_is_ordered),
        TEST(a_broadcast_shares_its_data_and_answers_in_order),
        TEST(a_batch_asks_one_after_the_other),
        TEST(a_parallel_batch_has_a_bound),
        TEST(ten_thousand_refusals_do_not_fill_the_stack),
        TEST(answers_have_a_bound_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
