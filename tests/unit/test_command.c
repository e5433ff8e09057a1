#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "gateway/protocol/command.h"
#include "tests/unit/hex.h"

/* ---- a command as text: "2:subscribe channel=room:7 recover" ---- */

static const char *const kinds[COMMAND_KIND_COUNT] = {
    "pong",           "connect", "ping", "subscribe", "unsubscribe", "publish",     "presence",
    "presence_stats", "history", "rpc",  "send",      "refresh",     "sub_refresh", "unknown",
};

static void add_word(struct buf *log, const char *name, struct text value)
{
    if (value.len > 0)
        buf_printf(log, " %s=%.*s", name, TEXT_ARGS(value));
}

static void add_number(struct buf *log, const char *name, long long value)
{
    if (value != 0)
        buf_printf(log, " %s=%lld", name, value);
}

static void add_flag(struct buf *log, const char *name, bool value)
{
    if (value)
        buf_printf(log, " %s", name);
}

static void add_lists(struct buf *log, const struct command *command)
{
    for (size_t i = 0; i < command->position_count; i++) {
        const struct command_position *position = &command->positions[i];
        buf_printf(log, " sub=%.*s,%.*s,%llu%s", TEXT_ARGS(position->channel),
                   TEXT_ARGS(position->epoch), (unsigned long long)position->offset,
                   position->recover ? ",recover" : "");
    }
    for (size_t i = 0; i < command->header_count; i++)
        buf_printf(log, " %.*s:%.*s", TEXT_ARGS(command->headers[i].name),
                   TEXT_ARGS(command->headers[i].value));
}

static void tell(void *context, const struct command *command)
{
    struct buf *log = context;

    buf_printf(log, "%s%u:%s", log->len > 0 ? "; " : "", command->id, kinds[command->kind]);
    add_word(log, "channel", command->channel);
    add_word(log, "token", command->token);
    add_word(log, "data", command->data);
    add_word(log, "method", command->method);
    add_word(log, "name", command->name);
    add_word(log, "version", command->version);
    add_word(log, "delta", command->delta);
    add_word(log, "filter", command->filter);
    add_flag(log, "recover", command->recover);
    add_flag(log, "since", command->has_since);
    if (command->offset != 0)
        buf_printf(log, " offset=%llu", (unsigned long long)command->offset);
    add_word(log, "epoch", command->epoch);
    add_flag(log, "positioned", command->positioned);
    add_flag(log, "recoverable", command->recoverable);
    add_flag(log, "join_leave", command->join_leave);
    add_number(log, "flag", command->flag);
    add_number(log, "type", command->type);
    add_number(log, "limit", command->limit);
    add_flag(log, "reverse", command->reverse);
    add_lists(log, command);
}

/* Reads a whole frame; what was read before a bad command is told too. */
static bool read_frame(enum protocol_type type, struct text frame, struct buf *log)
{
    struct text command;

    do {
        if (!command_cut(type, &frame, &command) || !command_read(type, command, tell, log))
            return false;
    } while (frame.len > 0);
    return true;
}

/* Fails unless `frame` is read as `expected`, and is decodable or not as said. It is given in
 * memory of exactly its size, for the sanitizer. */
static void expect_frame(enum protocol_type type, struct text frame, const char *expected,
                         bool decodable)
{
    struct buf log = {0};
    char *copy = frame.len > 0 ? xmalloc(frame.len) : NULL;

    if (copy != NULL)
        memcpy(copy, frame.at, frame.len);
    const bool ok = read_frame(type, text_of(copy, frame.len), &log);
    free(copy);
    assert_string_equal(buf_cstring(&log), expected);
    assert_int_equal(ok, decodable);
    buf_fini(&log);
}

static void expect_json(const char *frame, const char *expected)
{
    expect_frame(PROTOCOL_JSON, text(frame), expected, true);
}

/* One Protobuf command, without the length before it. */
static void expect_message(const char *hex, const char *expected, bool decodable)
{
    struct buf message = {0}, log = {0};

    add_hex(&message, hex);
    char *copy = xmalloc(message.len); /* exactly its size, for the sanitizer */
    memcpy(copy, message.at, message.len);
    const bool ok = command_read(PROTOCOL_PROTOBUF, text_of(copy, message.len), tell, &log);
    free(copy);
    if (ok != decodable)
        fail_msg("%s: %s", hex, ok ? "is decodable" : "is not decodable");
    assert_string_equal(buf_cstring(&log), expected);
    buf_fini(&message);
    buf_fini(&log);
}

static void expect_protobuf_frame(const char *hex, const char *expected, bool decodable)
{
    struct buf frame = {0};

    add_hex(&frame, hex);
    expect_frame(PROTOCOL_PROTOBUF, buf_text(&frame), expected, decodable);
    buf_fini(&frame);
}

/* ---- the protocol's worked exchanges (reference, section 17) ---- */

static void the_worked_exchanges_are_read(void **state)
{
    static const struct {
        const char *frame, *expected;
    } exchanges[] = {
        {"{\"connect\":{\"name\":\"js\"},\"id\":1}\n"
         "{\"subscribe\":{\"channel\":\"news:go\",\"flag\":1,\"recover\":true,\"offset\":4,"
         "\"epoch\":\"hVbKqLpw\"},\"id\":2}",
         "1:connect name=js; "
         "2:subscribe channel=news:go recover offset=4 epoch=hVbKqLpw flag=1"},
        {"{\"publish\":{\"channel\":\"news:go\",\"data\":{\"n\":7}},\"id\":3}",
         "3:publish channel=news:go data={\"n\":7}"},
        {"{}", "0:pong"},
        {"{\"subscribe\":{\"channel\":\"news:go\",\"flag\":1,\"recover\":true,\"offset\":7,"
         "\"epoch\":\"hVbKqLpw\"},\"id\":4}",
         "4:subscribe channel=news:go recover offset=7 epoch=hVbKqLpw flag=1"},
        {"{\"subscribe\":{\"channel\":\"secret\"},\"id\":6}", "6:subscribe channel=secret"},
        {"{\"connect\":{\"token\":\"eyJ\"},\"id\":1}", "1:connect token=eyJ"},
        {"{\"history\":{\"channel\":\"news:go\",\"limit\":2,"
         "\"since\":{\"offset\":5,\"epoch\":\"hVbKqLpw\"}},\"id\":7}",
         "7:history channel=news:go since offset=5 epoch=hVbKqLpw limit=2"},
        {"{\"history\":{\"channel\":\"news:go\"},\"id\":8}", "8:history channel=news:go"},
        {"{\"presence_stats\":{\"channel\":\"news:go\"},\"id\":9}",
         "9:presence_stats channel=news:go"},
        {"{\"presence\":{\"channel\":\"news:go\"},\"id\":10}", "10:presence channel=news:go"},
        {"{\"refresh\":{\"token\":\"eyJ\"},\"id\":11}", "11:refresh token=eyJ"},
        {"{\"subscribe\":{\"channel\":\"prices\",\"flag\":1,\"delta\":\"fossil\"},\"id\":2}",
         "2:subscribe channel=prices delta=fossil flag=1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(exchanges); i++)
        expect_json(exchanges[i].frame, exchanges[i].expected);
}

static void the_worked_bytes_are_read(void **state)
{
    expect_protobuf_frame("08 08 01 22 04 22 02 6a 73", "1:connect name=js", true);
    expect_protobuf_frame("0f 08 02 2a 0b 0a 07 6e 65 77 73 3a 67 6f 70 01",
                          "2:subscribe channel=news:go flag=1", true);
    expect_protobuf_frame("16 08 03 3a 12 0a 07 6e 65 77 73 3a 67 6f 12 07 7b 22 6e 22 3a 37 7d",
                          "3:publish channel=news:go data={\"n\":7}", true);
    expect_protobuf_frame("00", "0:pong", true);
}

/* ---- every request, in both formats ---- */

static void every_request_is_known_in_json(void **state)
{
    static const struct {
        const char *command, *expected;
    } requests[] = {
        {"{\"id\":1,\"connect\":{\"token\":\"t\",\"data\":{\"a\":[1, 2]},\"name\":\"go\","
         "\"version\":\"1.0\",\"headers\":{\"X-A\":\"1\",\"b\":\"\"},"
         "\"subs\":{\"a\":{\"recover\":true,\"offset\":5,\"epoch\":\"e\"},\"b\":{}}}}",
         "1:connect token=t data={\"a\":[1, 2]} name=go version=1.0 sub=a,e,5,recover sub=b,,0"
         " X-A:1 b:"},
        {"{\"id\":2,\"ping\":{}}", "2:ping"},
        {"{\"id\":3,\"subscribe\":{\"channel\":\"a\",\"token\":\"t\",\"data\":1,"
         "\"positioned\":true,\"recoverable\":true,\"join_leave\":true,\"flag\":-3,"
         "\"delta\":\"fossil\",\"tf\":{\"key\":\"k\",\"cmp\":\"ex\"},\"type\":1}}",
         "3:subscribe channel=a token=t data=1 delta=fossil filter={\"key\":\"k\",\"cmp\":\"ex\"}"
         " positioned recoverable join_leave flag=-3 type=1"},
        {"{\"id\":4,\"unsubscribe\":{\"channel\":\"a\"}}", "4:unsubscribe channel=a"},
        {"{\"id\":5,\"publish\":{\"channel\":\"a\",\"data\":\"x\",\"type\":2}}",
         "5:publish channel=a data=\"x\" type=2"},
        {"{\"id\":6,\"presence\":{\"channel\":\"a\"}}", "6:presence channel=a"},
        {"{\"id\":7,\"presence_stats\":{\"channel\":\"a\"}}", "7:presence_stats channel=a"},
        {"{\"id\":8,\"history\":{\"channel\":\"a\",\"limit\":-1,\"reverse\":true,"
         "\"since\":{\"offset\":5,\"epoch\":\"e\"}}}",
         "8:history channel=a since offset=5 epoch=e limit=-1 reverse"},
        {"{\"id\":9,\"rpc\":{\"method\":\"me\",\"data\":[]}}", "9:rpc data=[] method=me"},
        {"{\"send\":{\"data\":7}}", "0:send data=7"},
        {"{\"id\":10,\"refresh\":{\"token\":\"t\"}}", "10:refresh token=t"},
        {"{\"id\":11,\"sub_refresh\":{\"channel\":\"a\",\"token\":\"t\",\"type\":1}}",
         "11:sub_refresh channel=a token=t type=1"},
        {"{\"id\":12,\"dance\":{}}", "12:unknown"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++)
        expect_json(requests[i].command, requests[i].expected);
}

static void every_request_is_known_in_protobuf(void **state)
{
    static const struct {
        const char *message, *expected;
    } requests[] = {
        {"0801 22(0a('t') 12('{1}') 1a(0a('a') 12(1801 32('e') 3805 5001)) 1a(0a('b') 12())"
         " 1a(0a('c')) 22('go') 2a('1') 32(0a('x') 12('y')) 32(0a('z')))",
         "1:connect token=t data={1} name=go version=1 sub=a,e,5,recover sub=b,,0 sub=c,,0 x:y z:"},
        {"0802 5a()", "2:ping"},
        {"0803 2a(0a('a') 12('t') 1801 32('e') 3807 42('d') 4801 5001 5801 62('fossil')"
         " 6a(12('k')) 70feffffffffffffffff01 7801)",
         "3:subscribe channel=a token=t data=d delta=fossil filter=\x12\x01k recover offset=7"
         " epoch=e positioned recoverable join_leave flag=-2 type=1"},
        {"0804 32(0a('a'))", "4:unsubscribe channel=a"},
        {"0805 3a(0a('a') 12('x') 1802)", "5:publish channel=a data=x type=2"},
        {"0806 42(0a('a'))", "6:presence channel=a"},
        {"0807 4a(0a('a'))", "7:presence_stats channel=a"},
        {"0808 52(0a('a') 38ffffffffffffffffff01 42(0805 12('e')) 4801)",
         "8:history channel=a since offset=5 epoch=e limit=-1 reverse"},
        {"0809 6a(0a('d') 12('me'))", "9:rpc data=d method=me"},
        {"62(0a('d'))", "0:send data=d"},
        {"080a 72(0a('t'))", "10:refresh token=t"},
        {"080b 7a(0a('a') 12('t') 1801)", "11:sub_refresh channel=a token=t type=1"},
        {"080c 8201()", "12:unknown"},
        {"080c", "12:unknown"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++)
        expect_message(requests[i].message, requests[i].expected, true);
}

static void a_command_without_id_is_a_pong(void **state)
{
    expect_json("{}\n{}", "0:pong; 0:pong");
    expect_json("{\"subscribe\":{\"channel\":\"a\"},\"id\":0}", "0:pong");
    expect_json("{\"subscribe\":[]}", "0:pong");
    expect_protobuf_frame("00 00", "0:pong; 0:pong", true);
    expect_message("0800 2a(0a('a'))", "0:pong", true);
    expect_message("2a(ff)", "0:pong", true);
}

static void a_send_needs_no_id(void **state)
{
    expect_json("{\"connect\":{},\"send\":{\"data\":1}}", "0:send data=1");
    expect_message("22() 62(0a('d'))", "0:send data=d", true);
}

static void the_first_of_several_requests_counts(void **state)
{
    expect_json("{\"id\":1,\"rpc\":{},\"publish\":{\"channel\":\"a\"}}", "1:publish channel=a");
    expect_json("{\"id\":1,\"send\":{},\"rpc\":{\"method\":\"a\"}}", "1:rpc method=a");
    expect_message("6a() 3a(0a('a')) 0801", "1:publish channel=a", true);
    expect_message("62() 6a(12('a')) 0801", "1:rpc method=a", true);
}

static void what_is_unknown_is_ignored(void **state)
{
    expect_json("{\"id\":1,\"method\":3,\"subscribe\":{\"channel\":\"a\",\"cursor\":7,"
                "\"limit\":\"x\"},\"z\":null}",
                "1:subscribe channel=a");
    expect_message("1001 1a() 0801 a00601 a9060102030405060708 ad0601020304 2a(0a('a') 880101)",
                   "1:subscribe channel=a", true);
}

static void the_largest_numbers_are_read(void **state)
{
    expect_json("{\"id\":4294967295,\"subscribe\":{\"offset\":18446744073709551615}}",
                "4294967295:subscribe offset=18446744073709551615");
    expect_message("08ffffffff0f 2a(38ffffffffffffffffff01)",
                   "4294967295:subscribe offset=18446744073709551615", true);
}

/* ---- frames ---- */

static void one_trailing_newline_is_tolerated(void **state)
{
    expect_json("{}\n", "0:pong");
    expect_frame(PROTOCOL_JSON, TEXT("{}\n\n"), "0:pong", false);
    expect_frame(PROTOCOL_JSON, TEXT(""), "", false);
    expect_frame(PROTOCOL_JSON, TEXT("\n"), "", false);
    expect_frame(PROTOCOL_JSON, TEXT("\n{}"), "", false);
    expect_frame(PROTOCOL_JSON, TEXT("{\"id\":1,\n\"ping\":{}}"), "", false);
}

static void a_length_over_the_end_is_not_decodable(void **state)
{
    expect_protobuf_frame("", "", false);
    expect_protobuf_frame("01", "", false);
    expect_protobuf_frame("80", "", false);
    expect_protobuf_frame("00 03 0801", "0:pong", false);
    expect_protobuf_frame("ffffffffffffffffff01 0801", "", false);
    expect_protobuf_frame("ffffffffffffffffffff01 0801", "", false);
}

/* ---- JSON alone ---- */

static void texts_are_unescaped(void **state)
{
    expect_json("{\"subscribe\":{\"channel\":\"a\\/\\u00e4\",\"token\":\"\\\"\","
                "\"epoch\":\"plain\"},\"id\":1}",
                "1:subscribe channel=a/\xc3\xa4 token=\" epoch=plain");
    expect_json("{\"id\":1,\"connect\":{\"subs\":{\"\\u0061\":{\"epoch\":\"\\u0062\"},"
                "\"\\/\":{}},\"headers\":{\"\\u0063\":\"\\u0064\"}}}",
                "1:connect sub=a,b,0 sub=/,,0 c:d");
}

static void null_is_absent(void **state)
{
    expect_json("{\"id\":1,\"connect\":null,\"publish\":{\"channel\":null,\"data\":null}}",
                "1:publish");
    expect_json("{\"id\":1,\"connect\":{\"subs\":null,\"headers\":null}}", "1:connect");
    expect_json("{\"id\":1,\"connect\":{\"subs\":{\"a\":null},\"headers\":{\"b\":null}}}",
                "1:connect");
}

static void bad_json_is_not_decodable(void **state)
{
    static const char *const commands[] = {
        "1",
        "[]",
        "null",
        " ",
        "{\"id\":1,}",
        "{\"id\":01}",
        "{} {}",
        "{\"id\":1,\"rpc\":{\"method\":\"\xff\"}}",
        "{\"id\":1,\"rpc\":{\"method\":\"\\u0000\"}}",
        "{\"id\":\"1\",\"ping\":{}}",
        "{\"id\":-1,\"ping\":{}}",
        "{\"id\":1.5,\"ping\":{}}",
        "{\"id\":4294967296,\"ping\":{}}",
        "{\"id\":1,\"ping\":1}",
        "{\"id\":1,\"connect\":[]}",
        "{\"id\":1,\"connect\":{\"token\":1}}",
        "{\"id\":1,\"connect\":{\"subs\":[]}}",
        "{\"id\":1,\"connect\":{\"subs\":{\"a\":1}}}",
        "{\"id\":1,\"connect\":{\"subs\":{\"a\":{\"offset\":\"1\"}}}}",
        "{\"id\":1,\"connect\":{\"headers\":[]}}",
        "{\"id\":1,\"connect\":{\"headers\":{\"a\":1}}}",
        "{\"id\":1,\"subscribe\":{\"channel\":{}}}",
        "{\"id\":1,\"subscribe\":{\"recover\":1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":-1}}",
        "{\"id\":1,\"subscribe\":{\"offset\":18446744073709551616}}",
        "{\"id\":1,\"subscribe\":{\"flag\":\"1\"}}",
        "{\"id\":1,\"subscribe\":{\"tf\":[]}}",
        "{\"id\":1,\"subscribe\":{\"type\":2147483648}}",
        "{\"id\":1,\"history\":{\"since\":5}}",
        "{\"id\":1,\"history\":{\"limit\":2147483648}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        expect_frame(PROTOCOL_JSON, text(commands[i]), "", false);
    expect_frame(PROTOCOL_JSON, TEXT("{}\0"), "", false);
}

/* ---- Protobuf alone ---- */

static void of_numbers_and_texts_that_stand_twice_the_last_counts(void **state)
{
    expect_message("0801 0802 32(0a('a') 0a('b'))", "2:unsubscribe channel=b", true);
    expect_message("0801 22(1a(0a('a') 0a()))", "1:connect sub=,,0", true);
}

static void payloads_may_be_any_bytes(void **state)
{
    expect_message("0801 3a(12(ff))", "1:publish data=\xff", true);
    expect_message("0801 2a(6a(ffff))", "1:subscribe filter=\xff\xff", true);
}

static void bad_messages_are_not_decodable(void **state)
{
    static const char *const messages[] = {
        "08",                     /* cut off */
        "0801 22",                /* ... */
        "0801 2201",              /* ... */
        "0801 22(2202 'j')",      /* ... within the request */
        "0a('1')",                /* an id of bytes */
        "088080808010",           /* an id above 32 bits */
        "0dffffffff",             /* a fixed id */
        "0801 2001",              /* a request that is a number */
        "2001",                   /* ... also without an id */
        "0801 22() 22()",         /* a request twice */
        "0801 52(42() 42())",     /* since twice */
        "0801 52(4005)",          /* since that is a number */
        "0801 52(42(1005))",      /* an epoch that is a number */
        "0801 2a(6a() 6a())",     /* a filter twice */
        "0801 2a(6a01)",          /* a filter cut off */
        "0801 2a(6801)",          /* a filter that is a number */
        "0801 2a(0801)",          /* a channel that is a number */
        "0801 2a(0a(ff))",        /* no UTF-8 */
        "0801 2a(0a(00))",        /* NUL */
        "0801 2a(32(c3))",        /* an epoch cut within a character */
        "0801 2a(1a())",          /* a truth of bytes */
        "0801 2a(3d01000000)",    /* a fixed offset */
        "0801 2a(788080808008)",  /* a type above 31 bits */
        "0801 52(38ffffffff0f)",  /* a limit that others would take for -1 */
        "0801 22(1801)",          /* subs that are a number */
        "0801 22(1a(0a(ff)))",    /* a channel of subs that is no text */
        "0801 22(1a(12() 12()))", /* a position twice */
        "0801 22(1a(1201))",      /* an entry cut off */
        "0801 22(1a(1001))",      /* a position that is a number */
        "0801 22(1a(12(3a())))",  /* an offset of bytes */
        "0801 22(32(12(ff)))",    /* a header that is no text */
        "0801 22(32(0801))",      /* a header named by a number */
        "0801 0b 0c",             /* a group */
        "0801 00",                /* field 0 */
        "0801 07",                /* no wire type */
    };
    for (size_t i = 0; i < ARRAY_COUNT(messages); i++)
        expect_message(messages[i], "", false);
}

/* ---- bounds ---- */

/* {"id":1,"connect":{"MEMBER":{"0":VALUE,"1":VALUE...}}} */
static bool reads_json_list(const char *member, const char *value, int count)
{
    struct buf command = {0}, log = {0};

    buf_printf(&command, "{\"id\":1,\"connect\":{\"%s\":{", member);
    for (int i = 0; i < count; i++)
        buf_printf(&command, "%s\"%d\":%s", i > 0 ? "," : "", i, value);
    buf_printf(&command, "}}}");
    const bool ok = command_read(PROTOCOL_JSON, buf_text(&command), tell, &log);
    buf_fini(&command);
    buf_fini(&log);
    return ok;
}

/* The same in Protobuf: entries without a value. */
static bool reads_protobuf_list(const char *entry, int count)
{
    struct buf entries = {0}, command = {0}, log = {0};

    for (int i = 0; i < count; i++)
        add_hex(&entries, entry);
    protobuf_add_varint(&command, 1, 1);
    protobuf_add_bytes(&command, 4, buf_text(&entries));
    const bool ok = command_read(PROTOCOL_PROTOBUF, buf_text(&command), tell, &log);
    buf_fini(&entries);
    buf_fini(&command);
    buf_fini(&log);
    return ok;
}

static void lists_are_bounded(void **state)
{
    assert_true(reads_json_list("subs", "{}", COMMAND_POSITIONS_MAX));
    assert_false(reads_json_list("subs", "{}", COMMAND_POSITIONS_MAX + 1));
    assert_true(reads_json_list("headers", "\"\"", COMMAND_HEADERS_MAX));
    assert_false(reads_json_list("headers", "\"\"", COMMAND_HEADERS_MAX + 1));
    assert_true(reads_protobuf_list("1a(0a('0'))", COMMAND_POSITIONS_MAX));
    assert_false(reads_protobuf_list("1a(0a('0'))", COMMAND_POSITIONS_MAX + 1));
    assert_true(reads_protobuf_list("32(0a('0'))", COMMAND_HEADERS_MAX));
    assert_false(reads_protobuf_list("32(0a('0'))", COMMAND_HEADERS_MAX + 1));
}

/* ---- what is no command ---- */

static void a_bare_connect_request_is_a_connect_without_id(void **state)
{
    struct buf log = {0};

    assert_true(command_read_connect(
        TEXT("{\"token\":\"t\",\"subs\":{\"a\":{\"recover\":true}},\"headers\":{\"b\":\"c\"}}"),
        tell, &log));
    assert_true(command_read_connect(TEXT("{\"id\":1}\n"), tell, &log));
    assert_string_equal(buf_cstring(&log), "0:connect token=t sub=a,,0,recover b:c; 0:connect");
    buf_reset(&log);
    assert_false(command_read_connect(TEXT(""), tell, &log));
    assert_false(command_read_connect(TEXT("[]"), tell, &log));
    assert_false(command_read_connect(TEXT("{\"token\":1}"), tell, &log));
    assert_int_equal(log.len, 0);
    buf_fini(&log);
}

static void tell_emulation(void *context, const struct emulation *request)
{
    buf_printf(context, "%.*s/%.*s/%.*s", TEXT_ARGS(request->node), TEXT_ARGS(request->session),
               TEXT_ARGS(request->data));
}

static void expect_emulation(enum protocol_type type, struct text bytes, const char *expected)
{
    struct buf told = {0};

    assert_int_equal(command_read_emulation(type, bytes, tell_emulation, &told), expected != NULL);
    assert_string_equal(buf_cstring(&told), expected != NULL ? expected : "");
    buf_fini(&told);
}

static void an_emulation_request_is_read_in_both_formats(void **state)
{
    expect_emulation(PROTOCOL_JSON,
                     TEXT("{\"session\":\"s-1\",\"node\":\"n-1\",\"data\":\"{\\\"id\\\":2}\"}"),
                     "n-1/s-1/{\"id\":2}");
    expect_emulation(PROTOCOL_JSON, TEXT("{\"session\":\"s\"}"), "/s/");
    expect_emulation(PROTOCOL_JSON, TEXT("{\"session\":\"s\",\"data\":{}}"), NULL);
    expect_emulation(PROTOCOL_JSON, TEXT(""), NULL);
    expect_emulation(PROTOCOL_PROTOBUF, TEXT("\x0a\x01n\x12\x01s\x1a\x02\xff\xfe"), "n/s/\xff\xfe");
    expect_emulation(PROTOCOL_PROTOBUF, TEXT(""), "//");
    expect_emulation(PROTOCOL_PROTOBUF, TEXT("\x0a\x01\xff"), NULL);
    expect_emulation(PROTOCOL_PROTOBUF, TEXT("\x18\x01"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_exchanges_are_read),
        cmocka_unit_test(the_worked_bytes_are_read),
        cmocka_unit_test(every_request_is_known_in_json),
        cmocka_unit_test(every_request_is_known_in_protobuf),
        cmocka_unit_test(a_command_without_id_is_a_pong),
        cmocka_unit_test(a_send_needs_no_id),
        cmocka_unit_test(the_first_of_several_requests_counts),
        cmocka_unit_test(what_is_unknown_is_ignored),
        cmocka_unit_test(the_largest_numbers_are_read),
        cmocka_unit_test(one_trailing_newline_is_tolerated),
        cmocka_unit_test(a_length_over_the_end_is_not_decodable),
        cmocka_unit_test(texts_are_unescaped),
        cmocka_unit_test(null_is_absent),
        cmocka_unit_test(bad_json_is_not_decodable),
        cmocka_unit_test(of_numbers_and_texts_that_stand_twice_the_last_counts),
        cmocka_unit_test(payloads_may_be_any_bytes),
        cmocka_unit_test(bad_messages_are_not_decodable),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(a_bare_connect_request_is_a_connect_without_id),
        cmocka_unit_test(an_emulation_request_is_read_in_both_formats),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
