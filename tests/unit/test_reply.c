#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/codes.h"
#include "gateway/protocol/reply.h"
#include "tests/unit/hex.h"

static const struct text NOTHING = {0};

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
static void expect_json(struct buf *out, const char *expected)
{
    assert_string_equal(buf_cstring(out), expected);
    buf_reset(out);
}

/* The same of Protobuf, in the notation of hex.h. */
static void expect_bytes(struct buf *out, const char *expected)
{
    struct buf bytes = {0};

    add_hex(&bytes, expected);
    for (size_t i = 0; i < out->len && i < bytes.len; i++)
        if (out->at[i] != bytes.at[i])
            fail_msg("byte %zu is %02x instead of %02x", i, (unsigned char)out->at[i],
                     (unsigned char)bytes.at[i]);
    assert_int_equal(out->len, bytes.len);
    buf_fini(&bytes);
    buf_reset(out);
}

/* ---- the protocol's worked exchanges (reference, section 17) ---- */

static const struct client_info ada = {.user = TEXT("42"), .client = TEXT("x")};

static void the_worked_connect_and_subscribe_are_written(void **state)
{
    const struct connect_result connected = {.client = TEXT("8f1c7e0a-6a0e-4a3e-9a2b-0d1b5a1f2c3d"),
                                             .version = TEXT("1.0.0"),
                                             .ping = 25,
                                             .pong = true};
    const struct publication publications[] = {{.data = TEXT("{\"n\":5}"), .offset = 5},
                                               {.data = TEXT("{\"n\":6}"), .offset = 6}};
    struct subscribe_result result = {.recoverable = true,
                                      .positioned = true,
                                      .epoch = TEXT("hVbKqLpw"),
                                      .offset = 4,
                                      .was_recovering = true,
                                      .recovered = true,
                                      .publications = publications,
                                      .publication_count = 2};

    CODEC_JSON.connect(*state, 1, &connected);
    expect_json(*state,
                "{\"id\":1,\"connect\":{\"client\":\"8f1c7e0a-6a0e-4a3e-9a2b-0d1b5a1f2c3d\","
                "\"version\":\"1.0.0\",\"ping\":25,\"pong\":true}}");
    CODEC_JSON.subscribe(*state, 2, &result);
    expect_json(*state,
                "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                "\"epoch\":\"hVbKqLpw\",\"offset\":4,\"was_recovering\":true,\"recovered\":true,"
                "\"publications\":[{\"data\":{\"n\":5},\"offset\":5},"
                "{\"data\":{\"n\":6},\"offset\":6}]}}");
    result.recovered = false;
    result.offset = 7;
    result.publication_count = 0;
    CODEC_JSON.subscribe(*state, 5, &result);
    expect_json(*state, "{\"id\":5,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"hVbKqLpw\",\"offset\":7,\"was_recovering\":true}}");
}

static void the_worked_replies_are_written(void **state)
{
    const struct publication publications[] = {
        {.data = TEXT("{\"n\":6}"), .offset = 6},
        {.data = TEXT("{\"n\":7}"), .offset = 7, .info = &ada}};
    const struct client_info here = {.user = TEXT("42"), .client = TEXT("8f1c")};

    CODEC_JSON.empty(*state, 3, COMMAND_PUBLISH);
    expect_json(*state, "{\"id\":3,\"publish\":{}}");
    CODEC_JSON.error(*state, 6, 103, NOTHING, false);
    expect_json(*state, "{\"id\":6,\"error\":{\"code\":103,\"message\":\"permission denied\"}}");
    CODEC_JSON.error(*state, 1, 109, NOTHING, false);
    expect_json(*state, "{\"id\":1,\"error\":{\"code\":109,\"message\":\"token expired\"}}");
    CODEC_JSON.history(*state, 7, publications, 2, 7, TEXT("hVbKqLpw"));
    expect_json(*state, "{\"id\":7,\"history\":{\"publications\":[{\"data\":{\"n\":6},"
                        "\"offset\":6},{\"data\":{\"n\":7},\"info\":{\"user\":\"42\","
                        "\"client\":\"x\"},\"offset\":7}],\"epoch\":\"hVbKqLpw\",\"offset\":7}}");
    CODEC_JSON.history(*state, 8, NULL, 0, 7, TEXT("hVbKqLpw"));
    expect_json(*state, "{\"id\":8,\"history\":{\"publications\":[],\"epoch\":\"hVbKqLpw\","
                        "\"offset\":7}}");
    CODEC_JSON.presence_stats(*state, 9, 1, 1);
    expect_json(*state, "{\"id\":9,\"presence_stats\":{\"num_clients\":1,\"num_users\":1}}");
    CODEC_JSON.presence(*state, 10, &here, 1);
    expect_json(*state, "{\"id\":10,\"presence\":{\"presence\":{\"8f1c\":{\"user\":\"42\","
                        "\"client\":\"8f1c\"}}}}");
    CODEC_JSON.refresh(*state, 11, true, 3600);
    expect_json(*state, "{\"id\":11,\"refresh\":{\"expires\":true,\"ttl\":3600}}");
}

static void the_worked_pushes_are_written(void **state)
{
    const struct publication first = {.data = TEXT("{\"n\":7}"), .info = &ada, .offset = 7};
    const struct publication second = {.data = TEXT("{\"hi\":1}"), .offset = 13};
    const struct subscribe_result result = {
        .recoverable = true, .positioned = true, .epoch = TEXT("aBcDeFgH"), .offset = 12};

    CODEC_JSON.push_publication(*state, TEXT("news:go"), &first);
    expect_json(*state, "{\"push\":{\"channel\":\"news:go\",\"pub\":{\"data\":{\"n\":7},"
                        "\"info\":{\"user\":\"42\",\"client\":\"x\"},\"offset\":7}}}");
    CODEC_JSON.push_unsubscribe(*state, TEXT("news:go"), 2500, NOTHING);
    expect_json(*state, "{\"push\":{\"channel\":\"news:go\",\"unsubscribe\":{\"code\":2500,"
                        "\"reason\":\"insufficient state\"}}}");
    CODEC_JSON.push_subscribe(*state, TEXT("user:1"), &result);
    expect_json(*state, "{\"push\":{\"channel\":\"user:1\",\"subscribe\":{\"recoverable\":true,"
                        "\"positioned\":true,\"epoch\":\"aBcDeFgH\",\"offset\":12}}}");
    CODEC_JSON.push_publication(*state, TEXT("user:1"), &second);
    expect_json(*state, "{\"push\":{\"channel\":\"user:1\",\"pub\":{\"data\":{\"hi\":1},"
                        "\"offset\":13}}}");
    CODEC_JSON.push_unsubscribe(*state, TEXT("user:1"), 2000, TEXT("server unsubscribe"));
    expect_json(*state, "{\"push\":{\"channel\":\"user:1\",\"unsubscribe\":{\"code\":2000,"
                        "\"reason\":\"server unsubscribe\"}}}");
    CODEC_JSON.push_refresh(*state, true, 300);
    expect_json(*state, "{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":300}}}");
}

/* 17.4, but for the order of the subscribe result's members: it is that of 17.1. */
static void the_worked_stream_with_deltas_is_written(void **state)
{
    const struct connect_result connected = {.client = TEXT("c-1"),
                                             .version = TEXT("1.0.0"),
                                             .ping = 25,
                                             .pong = true,
                                             .session = TEXT("s-1"),
                                             .node = TEXT("n-1")};
    const struct subscribe_result result = {
        .recoverable = true, .positioned = true, .epoch = TEXT("hVbK"), .delta = true};
    const struct publication full = {
        .data = TEXT("{\"price\":100,\"symbol\":\"ABC\",\"venue\":\"XYZ\"}"),
        .offset = 1,
        .epoch = TEXT("hVbK"),
        .as_text = true};
    const struct publication delta = {.data = TEXT("f\nB@0,1:1U@C,3uQWtP;"),
                                      .offset = 2,
                                      .epoch = TEXT("hVbK"),
                                      .is_delta = true,
                                      .as_text = true};

    CODEC_JSON.connect(*state, 1, &connected);
    expect_json(*state, "{\"id\":1,\"connect\":{\"client\":\"c-1\",\"version\":\"1.0.0\","
                        "\"ping\":25,\"pong\":true,\"session\":\"s-1\",\"node\":\"n-1\"}}");
    CODEC_JSON.subscribe(*state, 2, &result);
    expect_json(*state, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"hVbK\",\"delta\":true}}");
    CODEC_JSON.push_publication(*state, TEXT("prices"), &full);
    expect_json(*state, "{\"push\":{\"channel\":\"prices\",\"pub\":{\"data\":\"{\\\"price\\\":100,"
                        "\\\"symbol\\\":\\\"ABC\\\",\\\"venue\\\":\\\"XYZ\\\"}\",\"offset\":1,"
                        "\"epoch\":\"hVbK\"}}}");
    CODEC_JSON.push_publication(*state, TEXT("prices"), &delta);
    expect_json(*state, "{\"push\":{\"channel\":\"prices\",\"pub\":{"
                        "\"data\":\"f\\nB@0,1:1U@C,3uQWtP;\",\"offset\":2,\"delta\":true}}}");
    CODEC_JSON.push_disconnect(*state, 3503, TEXT("force disconnect"));
    expect_json(*state, "{\"push\":{\"disconnect\":{\"code\":3503,"
                        "\"reason\":\"force disconnect\"}}}");
}

static void the_worked_bytes_are_written(void **state)
{
    const struct connect_result connected = {
        .client = TEXT("c1"), .version = TEXT("1.0.0"), .ping = 25, .pong = true};
    const struct subscribe_result subscribed = {
        .recoverable = true, .epoch = TEXT("ep"), .offset = 6, .positioned = true};
    const struct publication publication = {.data = TEXT("{\"n\":7}"), .offset = 7};

    CODEC_PROTOBUF.connect(*state, 1, &connected);
    expect_bytes(*state, "13 0801 2a0f 0a026331 1205312e302e30 3819 4001");
    CODEC_PROTOBUF.subscribe(*state, 2, &subscribed);
    expect_bytes(*state, "0e 0802 320a 1801 32026570 4806 5001");
    CODEC_PROTOBUF.push_publication(*state, TEXT("news:go"), &publication);
    expect_bytes(*state, "18 2216 12076e6577733a676f 220b 22077b226e223a377d 3007");
    CODEC_PROTOBUF.empty(*state, 3, COMMAND_PUBLISH);
    expect_bytes(*state, "04 0803 4200");
    CODEC_PROTOBUF.error(*state, 4, 103, NOTHING, false);
    expect_bytes(*state, "19 0804 1215 0867 12117065726d697373696f6e2064656e696564");
    buf_add_text(*state, CODEC_PROTOBUF.ping);
    expect_bytes(*state, "00");
    buf_add_text(*state, CODEC_JSON.ping);
    expect_json(*state, "{}");
}

/* ---- everything that a message can hold ---- */

static const struct client_info full_info = {
    .user = TEXT("u"), .client = TEXT("c"), .conn_info = TEXT("1"), .chan_info = TEXT("2")};
static const struct tag tags[] = {{TEXT("a"), TEXT("1")}, {TEXT("\""), TEXT("")}};
static const struct publication full_publication = {.data = TEXT("3"),
                                                    .offset = 1,
                                                    .epoch = TEXT("e"),
                                                    .info = &full_info,
                                                    .tags = tags,
                                                    .tag_count = 2,
                                                    .time_ms = 5,
                                                    .channel = TEXT("ch"),
                                                    .is_delta = true};
static const struct subscribe_result full_result = {.recoverable = true,
                                                    .positioned = true,
                                                    .was_recovering = true,
                                                    .recovered = true,
                                                    .expires = true,
                                                    .delta = true,
                                                    .ttl = 9,
                                                    .epoch = TEXT("e"),
                                                    .offset = 7,
                                                    .publications = &full_publication,
                                                    .publication_count = 1,
                                                    .data = TEXT("4")};

#define FULL_PUBLICATION                                                                           \
    "{\"data\":3,\"info\":{\"user\":\"u\",\"client\":\"c\",\"conn_info\":1,\"chan_info\":2},"      \
    "\"offset\":1,\"tags\":{\"a\":\"1\",\"\\\"\":\"\"},\"delta\":true,\"time\":5,"                 \
    "\"channel\":\"ch\",\"epoch\":\"e\"}"
#define FULL_RESULT                                                                                \
    "{\"expires\":true,\"ttl\":9,\"recoverable\":true,\"positioned\":true,\"epoch\":\"e\","        \
    "\"offset\":7,\"was_recovering\":true,\"recovered\":true,\"publications\":[" FULL_PUBLICATION  \
    "],\"data\":4,\"delta\":true}"
#define FULL_INFO_BYTES "(0a('u') 12('c') 1a('1') 22('2'))"
#define FULL_PUBLICATION_BYTES                                                                     \
    "(22('3') 2a" FULL_INFO_BYTES " 3001 3a(0a('a') 12('1')) 3a(0a('\"') 12()) 4001 4805"          \
    " 52('ch') 72('e'))"
#define FULL_RESULT_BYTES                                                                          \
    "(0801 1009 1801 32('e') 3a" FULL_PUBLICATION_BYTES " 4001 4807 5001 5a('4') 6001 6801)"

static void a_subscribe_result_holds_everything(void **state)
{
    CODEC_JSON.subscribe(*state, 2, &full_result);
    expect_json(*state, "{\"id\":2,\"subscribe\":" FULL_RESULT "}");
    CODEC_PROTOBUF.subscribe(*state, 2, &full_result);
    expect_bytes(*state, "(0802 32" FULL_RESULT_BYTES ")");
}

static void a_connect_result_holds_everything(void **state)
{
    const struct connect_sub subs[] = {{TEXT("a\""), full_result}, {.channel = TEXT("b")}};
    const struct connect_result result = {.client = TEXT("c"),
                                          .version = TEXT("v"),
                                          .expires = true,
                                          .ttl = 300,
                                          .data = TEXT("{\"a\":1}"),
                                          .subs = subs,
                                          .sub_count = 2,
                                          .ping = 25,
                                          .pong = true,
                                          .session = TEXT("s"),
                                          .node = TEXT("n"),
                                          .time_ms = 1700000000000};

    CODEC_JSON.connect(*state, 1, &result);
    expect_json(*state,
                "{\"id\":1,\"connect\":{\"client\":\"c\",\"version\":\"v\",\"expires\":true,"
                "\"ttl\":300,\"data\":{\"a\":1},\"subs\":{\"a\\\"\":" FULL_RESULT ",\"b\":{}},"
                "\"ping\":25,\"pong\":true,\"session\":\"s\",\"node\":\"n\","
                "\"time\":1700000000000}}");
    CODEC_PROTOBUF.connect(*state, 1, &result);
    expect_bytes(*state, "(0801 2a(0a('c') 12('v') 1801 20ac02 2a('{\"a\":1}')"
                         " 32(0a('a\"') 12" FULL_RESULT_BYTES ") 32(0a('b') 12())"
                         " 3819 4001 4a('s') 52('n') 5880d095ffbc31))");
}

static void other_replies_are_written_in_protobuf(void **state)
{
    const struct client_info here[] = {full_info, {.client = TEXT("d")}};
    const struct publication publications[] = {full_publication, {.data = TEXT("x"), .offset = 2}};

    CODEC_PROTOBUF.empty(*state, 4, COMMAND_UNSUBSCRIBE);
    expect_bytes(*state, "(0804 3a())");
    CODEC_PROTOBUF.error(*state, 4, 461, TEXT("busy"), true);
    expect_bytes(*state, "(0804 12(08cd03 12('busy') 1801))");
    CODEC_PROTOBUF.rpc(*state, 4, TEXT("\xff"));
    expect_bytes(*state, "(0804 6a(0a(ff)))");
    CODEC_PROTOBUF.refresh(*state, 4, true, 60);
    expect_bytes(*state, "(0804 72(1801 203c))");
    CODEC_PROTOBUF.sub_refresh(*state, 4, true, 60);
    expect_bytes(*state, "(0804 7a(0801 103c))");
    CODEC_PROTOBUF.presence(*state, 4, here, 2);
    expect_bytes(*state, "(0804 4a(0a(0a('c') 12" FULL_INFO_BYTES ") 0a(0a('d') 12(12('d')))))");
    CODEC_PROTOBUF.presence_stats(*state, 4, 3, 2);
    expect_bytes(*state, "(0804 52(0803 1002))");
    CODEC_PROTOBUF.history(*state, 4, publications, 2, 7, TEXT("e"));
    expect_bytes(*state, "(0804 5a(0a" FULL_PUBLICATION_BYTES " 0a(22('x') 3002) 12('e') 1807))");
}

static void pushes_are_written_in_protobuf(void **state)
{
    CODEC_PROTOBUF.push_publication(*state, TEXT("a"), &full_publication);
    expect_bytes(*state, "(22(12('a') 22" FULL_PUBLICATION_BYTES "))");
    CODEC_PROTOBUF.push_join(*state, TEXT("a"), &full_info);
    expect_bytes(*state, "(22(12('a') 2a(0a" FULL_INFO_BYTES ")))");
    CODEC_PROTOBUF.push_leave(*state, TEXT("a"), &full_info);
    expect_bytes(*state, "(22(12('a') 32(0a" FULL_INFO_BYTES ")))");
    CODEC_PROTOBUF.push_unsubscribe(*state, TEXT("a"), 2500, NOTHING);
    expect_bytes(*state, "(22(12('a') 3a(10c413 1a('insufficient state'))))");
    CODEC_PROTOBUF.push_subscribe(*state, TEXT("a"), &full_result);
    expect_bytes(*state, "(22(12('a') 4a(0801 22('e') 2807 3001 3a('4'))))");
    CODEC_PROTOBUF.push_refresh(*state, true, 0);
    expect_bytes(*state, "(22(62(0801 1001)))");
    CODEC_PROTOBUF.push_disconnect(*state, 3001, TEXT("shutdown"));
    expect_bytes(*state, "(22(5a(08b917 12('shutdown'))))");
}

/* ---- rules ---- */

static void an_empty_result_is_still_written(void **state)
{
    const struct subscribe_result nothing = {0};

    CODEC_JSON.subscribe(*state, 2, &nothing);
    expect_json(*state, "{\"id\":2,\"subscribe\":{}}");
    CODEC_PROTOBUF.subscribe(*state, 2, &nothing);
    expect_bytes(*state, "(0802 32())");
    CODEC_JSON.empty(*state, 3, COMMAND_UNSUBSCRIBE);
    expect_json(*state, "{\"id\":3,\"unsubscribe\":{}}");
    CODEC_JSON.rpc(*state, 4, NOTHING);
    expect_json(*state, "{\"id\":4,\"rpc\":{}}");
    CODEC_PROTOBUF.rpc(*state, 4, NOTHING);
    expect_bytes(*state, "(0804 6a())");
    CODEC_JSON.rpc(*state, 4, TEXT("null"));
    expect_json(*state, "{\"id\":4,\"rpc\":{\"data\":null}}");
    CODEC_JSON.sub_refresh(*state, 4, false, 60);
    expect_json(*state, "{\"id\":4,\"sub_refresh\":{}}");
    CODEC_PROTOBUF.refresh(*state, 4, false, 60);
    expect_bytes(*state, "(0804 72())");
    CODEC_PROTOBUF.presence(*state, 4, NULL, 0);
    expect_bytes(*state, "(0804 4a())");
    CODEC_PROTOBUF.history(*state, 4, NULL, 0, 0, NOTHING);
    expect_bytes(*state, "(0804 5a())");
}

static void some_zeros_of_json_are_kept(void **state)
{
    const struct client_info nobody = {0};

    CODEC_JSON.history(*state, 8, NULL, 0, 0, NOTHING);
    expect_json(*state, "{\"id\":8,\"history\":{\"publications\":[],\"epoch\":\"\",\"offset\":0}}");
    CODEC_JSON.presence(*state, 9, NULL, 0);
    expect_json(*state, "{\"id\":9,\"presence\":{\"presence\":{}}}");
    CODEC_JSON.presence_stats(*state, 9, 0, 0);
    expect_json(*state, "{\"id\":9,\"presence_stats\":{\"num_clients\":0,\"num_users\":0}}");
    reply_client_info(*state, &nobody);
    expect_json(*state, "{\"user\":\"\",\"client\":\"\"}");
    reply_client_info(*state, &full_info);
    expect_json(*state, "{\"user\":\"u\",\"client\":\"c\",\"conn_info\":1,\"chan_info\":2}");
}

static void what_expires_always_says_when(void **state)
{
    const struct subscribe_result result = {.expires = true, .data = TEXT("1")};

    CODEC_JSON.subscribe(*state, 2, &result);
    expect_json(*state, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":1,\"data\":1}}");
    CODEC_PROTOBUF.subscribe(*state, 2, &result);
    expect_bytes(*state, "(0802 32(0801 1001 5a('1')))");
}

static void words_are_never_missing(void **state)
{
    CODEC_JSON.error(*state, 6, 461, TEXT("The server is \"busy\""), true);
    expect_json(*state, "{\"id\":6,\"error\":{\"code\":461,"
                        "\"message\":\"The server is \\\"busy\\\"\",\"temporary\":true}}");
    CODEC_JSON.error(*state, 6, 461, NOTHING, false);
    expect_json(*state, "{\"id\":6,\"error\":{\"code\":461,\"message\":\"error\"}}");
    CODEC_JSON.push_disconnect(*state, 4000, NOTHING);
    expect_json(*state, "{\"push\":{\"disconnect\":{\"code\":4000,\"reason\":\"disconnect\"}}}");
    CODEC_JSON.push_unsubscribe(*state, TEXT("a"), 2100, NOTHING);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{\"code\":2100,"
                        "\"reason\":\"server unsubscribe\"}}}");
}

static void the_first_publication_alone_carries_the_epoch(void **state)
{
    struct publication publication = {.data = TEXT("1"), .epoch = TEXT("hVbK")};

    CODEC_JSON.push_publication(*state, TEXT("a"), &publication);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1}}}");
    publication.offset = 2;
    CODEC_PROTOBUF.push_publication(*state, TEXT("a"), &publication);
    expect_bytes(*state, "(22(12('a') 22(22('1') 3002)))");
}

static void offsets_use_all_64_bits(void **state)
{
    const struct publication publication = {.data = TEXT("1"), .offset = UINT64_MAX};

    CODEC_JSON.push_publication(*state, TEXT("a"), &publication);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1,"
                        "\"offset\":18446744073709551615}}}");
    CODEC_PROTOBUF.push_publication(*state, TEXT("a"), &publication);
    expect_bytes(*state, "(22(12('a') 22(22('1') 30ffffffffffffffffff01)))");
}

static void texts_of_others_are_escaped(void **state)
{
    const struct publication publication = {.data = TEXT("1")};
    const struct client_info quoted = {.user = TEXT("\""), .client = TEXT("\\")};

    CODEC_JSON.push_publication(*state, TEXT("a\"\\\n"), &publication);
    expect_json(*state, "{\"push\":{\"channel\":\"a\\\"\\\\\\n\",\"pub\":{\"data\":1}}}");
    CODEC_JSON.presence(*state, 1, &quoted, 1);
    expect_json(*state, "{\"id\":1,\"presence\":{\"presence\":{\"\\\\\":{\"user\":\"\\\"\","
                        "\"client\":\"\\\\\"}}}}");
}

static void no_newline_of_a_payload_gets_out(void **state)
{
    const struct text pretty = TEXT("{\r\n  \"n\": \"a b\\n\"\n}");
    struct publication publication = {.data = pretty};
    const struct client_info info = {.client = TEXT("c"), .conn_info = pretty};

    CODEC_JSON.push_publication(*state, TEXT("a"), &publication);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":{\"n\":\"a b\\n\"}}}}");
    CODEC_JSON.push_join(*state, TEXT("a"), &info);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"join\":{\"info\":{\"user\":\"\","
                        "\"client\":\"c\",\"conn_info\":{\"n\":\"a b\\n\"}}}}}");
    publication.as_text = true;
    CODEC_JSON.push_publication(*state, TEXT("a"), &publication);
    expect_json(*state, "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":"
                        "\"{\\r\\n  \\\"n\\\": \\\"a b\\\\n\\\"\\n}\"}}}");
    CODEC_PROTOBUF.push_publication(*state, TEXT("a"), &publication);
    expect_bytes(*state, "(22(12('a') 22(22('{' 0d0a '  \"n\": \"a b\\n\"' 0a '}'))))");
}

static void minifying_keeps_what_is_in_strings(void **state)
{
    reply_minify(*state, TEXT(" { \"a \\\" b\\\\\" :\t[ 1 ,\r\n \"  \" ] } "));
    expect_json(*state, "{\"a \\\" b\\\\\":[1,\"  \"]}");
}

static void a_long_message_has_a_long_length(void **state)
{
    struct buf *out = *state, data = {0};

    for (int i = 0; i < 20000; i++)
        buf_add_byte(&data, 'x');
    const struct publication publication = {.data = buf_text(&data)};
    CODEC_PROTOBUF.push_publication(out, TEXT("a"), &publication);
    struct text frame = buf_text(out), message;
    assert_true(command_cut(PROTOCOL_PROTOBUF, &frame, &message));
    assert_int_equal(frame.len, 0);
    out->len -= data.len;
    expect_bytes(out, "af9c01 22ab9c01 120161 22a49c01 22a09c01");
    buf_fini(&data);
}

/* ---- unidirectional clients ---- */

static void unidirectional_clients_get_bare_pushes(void **state)
{
    const struct codec *codec = &CODEC_JSON_UNIDIRECTIONAL;
    const struct connect_sub sub = {.channel = TEXT("a")};
    const struct connect_result result = {.client = TEXT("c"),
                                          .subs = &sub,
                                          .sub_count = 1,
                                          .ping = 25,
                                          .pong = true,
                                          .session = TEXT("s"),
                                          .node = TEXT("n")};

    codec->connect(*state, 1, &result);
    expect_json(*state, "{\"connect\":{\"client\":\"c\",\"subs\":{\"a\":{}},\"ping\":25,"
                        "\"session\":\"s\"}}");
    codec->push_publication(*state, TEXT("a"), &full_publication);
    expect_json(*state, "{\"channel\":\"a\",\"pub\":" FULL_PUBLICATION "}");
    codec->push_join(*state, TEXT("a"), &ada);
    expect_json(*state, "{\"channel\":\"a\",\"join\":{\"info\":{\"user\":\"42\","
                        "\"client\":\"x\"}}}");
    codec->push_leave(*state, TEXT("a"), &ada);
    expect_json(*state, "{\"channel\":\"a\",\"leave\":{\"info\":{\"user\":\"42\","
                        "\"client\":\"x\"}}}");
    codec->push_unsubscribe(*state, TEXT("a"), 2501, NOTHING);
    expect_json(*state, "{\"channel\":\"a\",\"unsubscribe\":{\"code\":2501,"
                        "\"reason\":\"subscription expired\"}}");
    codec->push_subscribe(*state, TEXT("a"), &full_result);
    expect_json(*state, "{\"channel\":\"a\",\"subscribe\":{\"recoverable\":true,"
                        "\"positioned\":true,\"epoch\":\"e\",\"offset\":7,\"data\":4}}");
    codec->push_refresh(*state, true, 60);
    expect_json(*state, "{\"refresh\":{\"expires\":true,\"ttl\":60}}");
    codec->push_disconnect(*state, 3503, TEXT("force disconnect"));
    expect_json(*state, "{\"disconnect\":{\"code\":3503,\"reason\":\"force disconnect\"}}");
}

/* ---- codes ---- */

static void codes_have_the_words_of_the_protocol(void **state)
{
    assert_string_equal(protocol_error_message(100), "internal server error");
    assert_string_equal(protocol_error_message(107), "bad request");
    assert_string_equal(protocol_error_message(112), "unrecoverable position");
    assert_string_equal(protocol_error_message(113), "concurrent pagination");
    assert_string_equal(protocol_error_message(99), "error");
    assert_string_equal(protocol_error_message(114), "error");
    for (int code = 100; code <= 113; code++)
        assert_int_equal(protocol_error_is_temporary(code),
                         code == 100 || code == 111 || code == 113);
    assert_string_equal(protocol_unsubscribe_reason(2000), "server unsubscribe");
    assert_string_equal(protocol_unsubscribe_reason(2500), "insufficient state");
    assert_string_equal(protocol_unsubscribe_reason(2501), "subscription expired");
    assert_int_equal(DISCONNECT_SESSION_ENDED.code, DISCONNECT_INVALID_TOKEN.code);
    assert_string_equal(DISCONNECT_SLOW.reason, "slow");
}

int main(void)
{
#define WRITE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        WRITE_TEST(the_worked_connect_and_subscribe_are_written),
        WRITE_TEST(the_worked_replies_are_written),
        WRITE_TEST(the_worked_pushes_are_written),
        WRITE_TEST(the_worked_stream_with_deltas_is_written),
        WRITE_TEST(the_worked_bytes_are_written),
        WRITE_TEST(a_subscribe_result_holds_everything),
        WRITE_TEST(a_connect_result_holds_everything),
        WRITE_TEST(other_replies_are_written_in_protobuf),
        WRITE_TEST(pushes_are_written_in_protobuf),
        WRITE_TEST(an_empty_result_is_still_written),
        WRITE_TEST(some_zeros_of_json_are_kept),
        WRITE_TEST(what_expires_always_says_when),
        WRITE_TEST(words_are_never_missing),
        WRITE_TEST(the_first_publication_alone_carries_the_epoch),
        WRITE_TEST(offsets_use_all_64_bits),
        WRITE_TEST(texts_of_others_are_escaped),
        WRITE_TEST(no_newline_of_a_payload_gets_out),
        WRITE_TEST(minifying_keeps_what_is_in_strings),
        WRITE_TEST(a_long_message_has_a_long_length),
        WRITE_TEST(unidirectional_clients_get_bare_pushes),
        cmocka_unit_test(codes_have_the_words_of_the_protocol),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
