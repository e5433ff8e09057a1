#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/protocol.h"

/* ---- in ---- */

/* The commands of a frame, told as text: "2:subscribe room:7 ". */
struct told {
    struct buf log;
    int stop_after; /* the callback says stop at this command; 0 = never */
    int count;
};

static const char *const kinds[] = {
    "pong",           "connect", "ping", "subscribe", "unsubscribe", "publish",     "presence",
    "presence_stats", "history", "rpc",  "send",      "refresh",     "sub_refresh", "unknown",
};

static void add_word(struct buf *log, const char *name, struct text value)
{
    if (value.len > 0)
        buf_printf(log, " %s=%.*s", name, TEXT_ARGS(value));
}

static bool tell(void *context, const struct command *command)
{
    struct told *told = context;
    struct buf *log = &told->log;

    buf_printf(log, "%s%u:%s", log->len > 0 ? "; " : "", command->id, kinds[command->kind]);
    add_word(log, "channel", command->channel);
    add_word(log, "token", command->token);
    add_word(log, "data", command->data);
    add_word(log, "method", command->method);
    add_word(log, "name", command->name);
    add_word(log, "version", command->version);
    if (command->recover)
        buf_printf(log, " recover");
    if (command->has_since)
        buf_printf(log, " since");
    if (command->offset != 0)
        buf_printf(log, " offset=%llu", (unsigned long long)command->offset);
    add_word(log, "epoch", command->epoch);
    if (command->positioned)
        buf_printf(log, " positioned");
    if (command->recoverable)
        buf_printf(log, " recoverable");
    if (command->join_leave)
        buf_printf(log, " join_leave");
    if (command->flag != 0)
        buf_printf(log, " flag=%lld", (long long)command->flag);
    if (command->reverse)
        buf_printf(log, " reverse");
    if (command->limit != 0)
        buf_printf(log, " limit=%d", command->limit);
    add_word(log, "subs", json_raw(command->subs));
    return ++told->count != told->stop_after;
}

/* Fails unless `frame` is read as `expected`, and is decodable or not as said. The frame is given
 * in memory of exactly its size, for the sanitizer. */
static void expect_read(struct text frame, const char *expected, bool decodable, int stop_after)
{
    struct told told = {.stop_after = stop_after};
    char *copy = frame.len > 0 ? xmalloc(frame.len) : NULL;

    if (copy != NULL)
        memcpy(copy, frame.at, frame.len);
    const bool ok = protocol_read(text_of(copy, frame.len), tell, &told);
    free(copy);
    assert_string_equal(buf_cstring(&told.log), expected);
    assert_int_equal(ok, decodable);
    buf_fini(&told.log);
}

static void expect_commands(const char *frame, const char *expected)
{
    expect_read(text(frame), expected, true, 0);
}

static void expect_bad(const char *frame)
{
    expect_read(text(frame), "", false, 0);
}

static void connect_and_subscribe_in_one_frame_are_two_commands(void **state)
{
    expect_commands(
        "{\"connect\":{\"name\":\"js\"},\"id\":1}\n"
        "{\"subscribe\":{\"channel\":\"news:go\",\"flag\":1,\"recover\":true,\"offset\":4,"
        "\"epoch\":\"hVbKqLpw\"},\"id\":2}",
        "1:connect name=js; "
        "2:subscribe channel=news:go recover offset=4 epoch=hVbKqLpw flag=1");
}

static void every_request_is_known(void **state)
{
    expect_commands(
        "{\"id\":1,\"connect\":{\"token\":\"t\",\"data\":{\"a\":[1, 2]},\"name\":\"go\","
        "\"version\":\"1.0\",\"headers\":{},\"subs\":{\"a\":{\"recover\":true}}}}",
        "1:connect token=t data={\"a\":[1, 2]} name=go version=1.0 "
        "subs={\"a\":{\"recover\":true}}");
    expect_commands("{\"id\":2,\"ping\":{}}", "2:ping");
    expect_commands(
        "{\"id\":3,\"subscribe\":{\"channel\":\"a\",\"token\":\"t\",\"data\":1,"
        "\"positioned\":true,\"recoverable\":true,\"join_leave\":true,\"flag\":-3}}",
        "3:subscribe channel=a token=t data=1 positioned recoverable join_leave flag=-3");
    expect_commands("{\"id\":4,\"unsubscribe\":{\"channel\":\"a\"}}", "4:unsubscribe channel=a");
    expect_commands("{\"id\":5,\"publish\":{\"channel\":\"a\",\"data\":\"x\"}}",
                    "5:publish channel=a data=\"x\"");
    expect_commands("{\"id\":6,\"presence\":{\"channel\":\"a\"}}", "6:presence channel=a");
    expect_commands("{\"id\":7,\"presence_stats\":{\"channel\":\"a\"}}",
                    "7:presence_stats channel=a");
    expect_commands("{\"id\":8,\"history\":{\"channel\":\"a\",\"limit\":-1,\"reverse\":true,"
                    "\"since\":{\"offset\":5,\"epoch\":\"e\"}}}",
                    "8:history channel=a since offset=5 epoch=e reverse limit=-1");
    expect_commands("{\"id\":9,\"rpc\":{\"method\":\"me\",\"data\":[]}}",
                    "9:rpc data=[] method=me");
    expect_commands("{\"send\":{\"data\":7}}", "0:send data=7");
    expect_commands("{\"id\":10,\"refresh\":{\"token\":\"t\"}}", "10:refresh token=t");
    expect_commands("{\"id\":11,\"sub_refresh\":{\"channel\":\"a\",\"token\":\"t\"}}",
                    "11:sub_refresh channel=a token=t");
    expect_commands("{\"id\":12,\"dance\":{}}", "12:unknown");
}

static void an_object_without_id_is_a_pong(void **state)
{
    expect_commands("{}", "0:pong");
    expect_commands("{}\n{}", "0:pong; 0:pong");
    expect_commands("{\"subscribe\":{\"channel\":\"a\"},\"id\":0}", "0:pong");
}

static void a_send_needs_no_id(void **state)
{
    expect_commands("{\"connect\":{},\"send\":{\"data\":1}}", "0:send data=1");
}

static void one_trailing_newline_is_tolerated(void **state)
{
    expect_commands("{}\n", "0:pong");
    expect_read(TEXT("{}\n\n"), "0:pong", false, 0);
    expect_bad("");
    expect_bad("\n");
    expect_bad("\n{}");
}

static void commands_before_a_bad_one_are_delivered(void **state)
{
    expect_read(TEXT("{\"id\":1,\"ping\":{}}\n{\"id\":2"), "1:ping", false, 0);
}

static void a_stop_ends_reading_without_an_error(void **state)
{
    expect_read(TEXT("{\"id\":1,\"ping\":{}}\nnot json"), "1:ping", true, 1);
}

static void texts_are_unescaped(void **state)
{
    expect_commands("{\"subscribe\":{\"channel\":\"a\\/\\u00e4\",\"token\":\"\\\"\","
                    "\"epoch\":\"plain\"},\"id\":1}",
                    "1:subscribe channel=a/\xc3\xa4 token=\" epoch=plain");
}

static void the_first_of_several_requests_counts(void **state)
{
    expect_commands("{\"id\":1,\"rpc\":{},\"publish\":{\"channel\":\"a\"}}", "1:publish channel=a");
}

static void unknown_members_are_ignored(void **state)
{
    expect_commands("{\"id\":1,\"method\":3,\"subscribe\":{\"channel\":\"a\",\"tf\":{\"x\":[]},"
                    "\"limit\":\"x\"},\"z\":null}",
                    "1:subscribe channel=a");
}

static void null_is_absent(void **state)
{
    expect_commands("{\"id\":1,\"connect\":null,\"publish\":{\"channel\":null,\"data\":null}}",
                    "1:publish");
}

static void wrong_types_are_not_decodable(void **state)
{
    static const char *const frames[] = {
        "1",
        "[]",
        "null",
        "{\"id\":\"1\",\"ping\":{}}",
        "{\"id\":-1,\"ping\":{}}",
        "{\"id\":1.5,\"ping\":{}}",
        "{\"id\":4294967296,\"ping\":{}}",
        "{\"id\":1,\"connect\":[]}",
        "{\"id\":1,\"connect\":{\"token\":1}}",
        "{\"id\":1,\"connect\":{\"subs\":[]}}",
        "{\"id\":1,\"subscribe\":{\"channel\":{}}}",
        "{\"id\":1,\"subscribe\":{\"recover\":1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":-1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":18446744073709551616}}",
        "{\"id\":1,\"subscribe\":{\"flag\":\"1\"}}",
        "{\"id\":1,\"history\":{\"since\":5}}",
        "{\"id\":1,\"history\":{\"limit\":2147483648}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(frames); i++)
        expect_bad(frames[i]);
}

static void the_largest_numbers_are_read(void **state)
{
    expect_commands("{\"id\":4294967295,\"subscribe\":{\"offset\":18446744073709551615}}",
                    "4294967295:subscribe offset=18446744073709551615");
}

static void what_is_no_json_is_not_decodable(void **state)
{
    expect_bad("{\"id\":1,}");
    expect_bad("{\"id\":01}");
    expect_bad("{} {}");
    expect_bad("{\"id\":1,\"rpc\":{\"method\":\"\xff\"}}");
    expect_bad("{\"id\":1,\n\"ping\":{}}"); /* a newline ends a command, wherever it stands */
    expect_read(TEXT("{}\0"), "", false, 0);
}

/* ---- out ---- */

static int begin(void **state)
{
    *state = xcalloc(1, sizeof(struct buf));
    return 0;
}

static int end(void **state)
{
    buf_fini(*state);
    free(*state);
    return 0;
}

/* What was written since the last time. */
static void expect_written(struct buf *out, const char *expected)
{
    assert_string_equal(buf_cstring(out), expected);
    buf_reset(out);
}

static void a_connect_result_leaves_out_what_is_zero(void **state)
{
    struct connect_result result = {
        .client = TEXT("c-1"), .version = TEXT("1.0.0"), .ping = 25, .pong = true};

    protocol_connect(*state, 1, &result);
    expect_written(*state, "{\"id\":1,\"connect\":{\"client\":\"c-1\",\"version\":\"1.0.0\","
                           "\"ping\":25,\"pong\":true}}");
    result.expires = true;
    result.ttl = 300;
    result.data = TEXT("{\"a\":1}");
    result.subs = TEXT("{\"chats\":{}}");
    result.session = TEXT("s");
    result.node = TEXT("n");
    result.time_ms = 1700000000000;
    protocol_connect(*state, 1, &result);
    expect_written(*state,
                   "{\"id\":1,\"connect\":{\"client\":\"c-1\",\"version\":\"1.0.0\","
                   "\"expires\":true,\"ttl\":300,\"data\":{\"a\":1},\"subs\":{\"chats\":{}},"
                   "\"ping\":25,\"pong\":true,\"session\":\"s\",\"node\":\"n\","
                   "\"time\":1700000000000}}");
}

static void a_recovered_subscription_has_its_publications(void **state)
{
    const struct publication publications[] = {{.data = TEXT("{\"n\":5}"), .offset = 5},
                                               {.data = TEXT("{\"n\":6}"), .offset = 6}};
    const struct subscribe_result result = {.recoverable = true,
                                            .positioned = true,
                                            .epoch = TEXT("hVbKqLpw"),
                                            .offset = 4,
                                            .was_recovering = true,
                                            .recovered = true,
                                            .publications = publications,
                                            .publication_count = 2};
    protocol_subscribe(*state, 2, &result);
    expect_written(*state,
                   "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                   "\"epoch\":\"hVbKqLpw\",\"offset\":4,\"was_recovering\":true,\"recovered\":true,"
                   "\"publications\":[{\"data\":{\"n\":5},\"offset\":5},"
                   "{\"data\":{\"n\":6},\"offset\":6}]}}");
}

static void a_plain_subscription_is_an_empty_object(void **state)
{
    const struct subscribe_result result = {0};
    protocol_subscribe(*state, 2, &result);
    expect_written(*state, "{\"id\":2,\"subscribe\":{}}");
    protocol_subscribe_object(*state, &result);
    expect_written(*state, "{}");
}

static void what_expires_always_says_when(void **state)
{
    const struct subscribe_result result = {.expires = true, .data = TEXT("1")};
    protocol_subscribe(*state, 2, &result);
    expect_written(*state, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":1,\"data\":1}}");
    protocol_refresh(*state, 11, true, 3600);
    expect_written(*state, "{\"id\":11,\"refresh\":{\"expires\":true,\"ttl\":3600}}");
    protocol_refresh(*state, 11, false, 3600);
    expect_written(*state, "{\"id\":11,\"refresh\":{}}");
}

static void an_error_has_a_message(void **state)
{
    protocol_error(*state, 6, PROTOCOL_PERMISSION_DENIED, NULL, false);
    expect_written(*state, "{\"id\":6,\"error\":{\"code\":103,\"message\":\"permission denied\"}}");
    protocol_error(*state, 6, 461, "The server is \"busy\"", true);
    expect_written(*state, "{\"id\":6,\"error\":{\"code\":461,"
                           "\"message\":\"The server is \\\"busy\\\"\",\"temporary\":true}}");
}

static void an_empty_result_is_still_written(void **state)
{
    protocol_empty(*state, 3, "publish");
    expect_written(*state, "{\"id\":3,\"publish\":{}}");
    protocol_rpc(*state, 4, (struct text){0});
    expect_written(*state, "{\"id\":4,\"rpc\":{}}");
    protocol_rpc(*state, 4, TEXT("null"));
    expect_written(*state, "{\"id\":4,\"rpc\":{\"data\":null}}");
}

static void history_and_presence_keep_their_zeros(void **state)
{
    const struct publication publication = {.data = TEXT("{\"n\":6}"), .offset = 6};

    protocol_history(*state, 8, NULL, 0, 0, (struct text){0});
    expect_written(*state,
                   "{\"id\":8,\"history\":{\"publications\":[],\"epoch\":\"\",\"offset\":0}}");
    protocol_history(*state, 7, &publication, 1, 7, TEXT("e"));
    expect_written(*state,
                   "{\"id\":7,\"history\":{\"publications\":[{\"data\":{\"n\":6},\"offset\":6}],"
                   "\"epoch\":\"e\",\"offset\":7}}");
    protocol_presence(*state, 9, (struct text){0});
    expect_written(*state, "{\"id\":9,\"presence\":{\"presence\":{}}}");
    protocol_presence(*state, 9, TEXT("{\"c\":{\"user\":\"42\",\"client\":\"c\"}}"));
    expect_written(
        *state,
        "{\"id\":9,\"presence\":{\"presence\":{\"c\":{\"user\":\"42\",\"client\":\"c\"}}}}");
    protocol_presence_stats(*state, 9, 0, 0);
    expect_written(*state, "{\"id\":9,\"presence_stats\":{\"num_clients\":0,\"num_users\":0}}");
    protocol_client_info(*state, (struct text){0}, TEXT("c"), (struct text){0});
    expect_written(*state, "{\"user\":\"\",\"client\":\"c\"}");
    protocol_client_info(*state, TEXT("42"), TEXT("c"), TEXT("{\"name\":\"Ada\"}"));
    expect_written(*state, "{\"user\":\"42\",\"client\":\"c\",\"conn_info\":{\"name\":\"Ada\"}}");
}

static void a_publication_is_pushed_with_its_publisher(void **state)
{
    const struct publication publication = {.data = TEXT("{\"n\":7}"),
                                            .offset = 7,
                                            .epoch = TEXT("hVbK"),
                                            .info = TEXT("{\"user\":\"42\",\"client\":\"x\"}")};
    protocol_push_publication(*state, TEXT("news:go"), &publication);
    expect_written(*state, "{\"push\":{\"channel\":\"news:go\",\"pub\":{\"data\":{\"n\":7},"
                           "\"info\":{\"user\":\"42\",\"client\":\"x\"},\"offset\":7}}}");
}

static void the_first_publication_alone_carries_the_epoch(void **state)
{
    struct publication publication = {.data = TEXT("1"), .offset = 1, .epoch = TEXT("hVbK")};
    protocol_push_publication(*state, TEXT("a"), &publication);
    expect_written(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,\"offset\":1,"
                           "\"epoch\":\"hVbK\"}}}");
    publication.offset = 0;
    protocol_push_publication(*state, TEXT("a"), &publication);
    expect_written(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1}}}");
}

static void a_channel_is_escaped(void **state)
{
    const struct publication publication = {.data = TEXT("1")};
    protocol_push_publication(*state, TEXT("a\"\\\n"), &publication);
    expect_written(*state, "{\"push\":{\"channel\":\"a\\\"\\\\\\n\",\"pub\":{\"data\":1}}}");
}

static void other_pushes_name_their_channel(void **state)
{
    const struct text info = TEXT("{\"user\":\"1\",\"client\":\"c\"}");
    const struct subscribe_result result = {
        .recoverable = true, .positioned = true, .epoch = TEXT("aBcDeFgH"), .offset = 12};

    protocol_push_join(*state, TEXT("live:1"), info);
    expect_written(*state, "{\"push\":{\"channel\":\"live:1\",\"join\":{\"info\":{\"user\":\"1\","
                           "\"client\":\"c\"}}}}");
    protocol_push_leave(*state, TEXT("live:1"), info);
    expect_written(*state, "{\"push\":{\"channel\":\"live:1\",\"leave\":{\"info\":{\"user\":\"1\","
                           "\"client\":\"c\"}}}}");
    protocol_push_unsubscribe(*state, TEXT("a"), UNSUBSCRIBE_INSUFFICIENT, "insufficient state");
    expect_written(*state, "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2500,"
                           "\"reason\":\"insufficient state\"}}}");
    protocol_push_subscribe(*state, TEXT("user:1"), &result);
    expect_written(*state, "{\"push\":{\"channel\":\"user:1\",\"subscribe\":{\"recoverable\":true,"
                           "\"positioned\":true,\"epoch\":\"aBcDeFgH\",\"offset\":12}}}");
}

static void no_newline_of_a_payload_gets_out(void **state)
{
    const struct publication publication = {.data = TEXT("{\r\n  \"n\": \"a b\\n\"\n}")};
    protocol_push_publication(*state, TEXT("a"), &publication);
    expect_written(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":{\"n\":\"a b\\n\"}}}}");
}

static void minifying_keeps_what_is_in_strings(void **state)
{
    protocol_minify(*state, TEXT(" { \"a \\\" b\\\\\" :\t[ 1 ,\r\n \"  \" ] } "));
    expect_written(*state, "{\"a \\\" b\\\\\":[1,\"  \"]}");
}

static void codes_have_the_words_of_the_protocol(void **state)
{
    assert_string_equal(protocol_error_message(100), "internal server error");
    assert_string_equal(protocol_error_message(112), "unrecoverable position");
    assert_string_equal(protocol_error_message(99), "error");
    assert_string_equal(protocol_error_message(113), "error");
    assert_true(protocol_error_is_temporary(100));
    assert_true(protocol_error_is_temporary(111));
    assert_false(protocol_error_is_temporary(109));
    assert_int_equal(DISCONNECT_SESSION_ENDED.code, DISCONNECT_INVALID_TOKEN.code);
    assert_string_equal(DISCONNECT_SLOW.reason, "slow");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_and_subscribe_in_one_frame_are_two_commands),
        cmocka_unit_test(every_request_is_known),
        cmocka_unit_test(an_object_without_id_is_a_pong),
        cmocka_unit_test(a_send_needs_no_id),
        cmocka_unit_test(one_trailing_newline_is_tolerated),
        cmocka_unit_test(commands_before_a_bad_one_are_delivered),
        cmocka_unit_test(a_stop_ends_reading_without_an_error),
        cmocka_unit_test(texts_are_unescaped),
        cmocka_unit_test(the_first_of_several_requests_counts),
        cmocka_unit_test(unknown_members_are_ignored),
        cmocka_unit_test(null_is_absent),
        cmocka_unit_test(wrong_types_are_not_decodable),
        cmocka_unit_test(the_largest_numbers_are_read),
        cmocka_unit_test(what_is_no_json_is_not_decodable),
        cmocka_unit_test(codes_have_the_words_of_the_protocol),
#define WRITE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        WRITE_TEST(a_connect_result_leaves_out_what_is_zero),
        WRITE_TEST(a_recovered_subscription_has_its_publications),
        WRITE_TEST(a_plain_subscription_is_an_empty_object),
        WRITE_TEST(what_expires_always_says_when),
        WRITE_TEST(an_error_has_a_message),
        WRITE_TEST(an_empty_result_is_still_written),
        WRITE_TEST(history_and_presence_keep_their_zeros),
        WRITE_TEST(a_publication_is_pushed_with_its_publisher),
        WRITE_TEST(the_first_publication_alone_carries_the_epoch),
        WRITE_TEST(a_channel_is_escaped),
        WRITE_TEST(other_pushes_name_their_channel),
        WRITE_TEST(no_newline_of_a_payload_gets_out),
        WRITE_TEST(minifying_keeps_what_is_in_strings),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
