#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"

static void refused(enum err expected, struct text bytes)
{
    struct json json;
    char why[96] = "";
    const enum err err = json_parse(&json, bytes);
    if (err != expected)
        fail_msg("%.*s: %s (%s)", TEXT_ARGS(bytes), err_code(err), json.why);
    assert_true(strlen(json.why) > 0);
    assert_int_equal(json_validate(bytes, why), expected);
    assert_string_equal(why, json.why);
    assert_false(json_is_valid(bytes));
    json_fini(&json);
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\"}",
        "{,}",
        "01",
        "-",
        "-01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1.2.3",
        "--1",
        "NaN",
        "Infinity",
        "nul",
        "nulll",
        "True",
        "tru",
        "truefalse",
        "'a'",
        "\"a",
        "\"a\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u 123\"",
        "\"\t\"",
        "\"\n\"",
        "1 2",
        "{} {}",
        "[]]",
        "{}}",
        "[}",
        "{]",
        "[\"a\":1]",
        "/* */ 1",
        "\xef\xbb\xbf{}",
        "\"a\" b",
        "\"\\",
        "\"\\u",
        "-e",
        "1ee5",
        "[1]x",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        refused(ERR_BAD_JSON, text(wrong[i]));
    refused(ERR_BAD_JSON, (struct text){0});
    refused(ERR_BAD_JSON, text_of("1\0", 2));
    refused(ERR_BAD_JSON, text_of("\0", 1));
}

static void what_is_not_text_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\"\xff\"",        "\"\xc0\x80\"",   "\"\xed\xa0\x80\"",   "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",    "\"\\u0000\"",    "\"\\ud800\"",        "\"\\udc00\"",
        "\"\\ud800x\"",    "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
        "{\"\\ud83d\":1}", "[\"\\u0000\"]",  "\"\\uD83D",          "\"\\ud83d\\ude\"",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        refused(ERR_BAD_TEXT, text(wrong[i]));
    refused(ERR_BAD_TEXT, text_of("\"a\0b\"", 5));
}

static void json_of_every_kind_is_accepted(void **state)
{
    static const struct {
        const char *json;
        enum json_kind kind;
    } cases[] = {
        {"null", JSON_NULL},
        {" true ", JSON_BOOL},
        {"false", JSON_BOOL},
        {"0", JSON_NUMBER},
        {"-0.5e+10", JSON_NUMBER},
        {"1E5\n", JSON_NUMBER},
        {"\"\"", JSON_STRING},
        {"\"\\ud83d\\ude00\"", JSON_STRING},
        {"\"\x7f\"", JSON_STRING},
        {"[]", JSON_ARRAY},
        {"[[],{},[[]]]", JSON_ARRAY},
        {" { } ", JSON_OBJECT},
        {"{\"\":{\"\":[]}}", JSON_OBJECT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct json json;
        assert_true(json_is_valid(text(cases[i].json)));
        assert_int_equal(json_parse(&json, text(cases[i].json)), ERR_OK);
        assert_int_equal(json_kind(json_root(&json)), cases[i].kind);
        json_fini(&json);
    }
}

/* `depth` arrays, one in the other. */
static enum err parse_nested(int depth)
{
    struct buf buf = {0};
    struct json json;
    for (int i = 0; i < depth; i++)
        buf_add_byte(&buf, '[');
    for (int i = 0; i < depth; i++)
        buf_add_byte(&buf, ']');
    const enum err err = json_parse(&json, buf_text(&buf));
    json_fini(&json);
    buf_fini(&buf);
    return err;
}

/* An array of `count` empty arrays: the worst case for jsmn without parent links. */
static enum err parse_wide(int count)
{
    struct buf buf = {0};
    struct json json;
    buf_add_byte(&buf, '[');
    for (int i = 0; i < count; i++)
        buf_add_text(&buf, i == 0 ? TEXT("[]") : TEXT(",[]"));
    buf_add_byte(&buf, ']');
    const enum err err = json_parse(&json, buf_text(&buf));
    assert_int_equal(json_size(json_root(&json)), err == ERR_OK ? count : 0);
    json_fini(&json);
    buf_fini(&buf);
    return err;
}

/* Strings are looked through eight bytes at a time. */
static void a_byte_that_may_not_stand_in_a_string_is_found_wherever_it_is(void **state)
{
    static const char as[] = "\"aaaaaaaaaaaaaaaaaaaaaaaa\"";

    for (size_t at = 1; at < sizeof(as) - 2; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char json[sizeof(as)];
            memcpy(json, as, sizeof(as));
            json[at] = (char)byte;
            const bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            if (json_is_valid(text_of(json, sizeof(json) - 1)) != is_plain)
                fail_msg("%02x at %zu was taken for %s", byte, at, is_plain ? "wrong" : "right");
        }
}

/* Written as well: what was escaped reads as it was. */
static void any_ascii_byte_is_written_so_that_it_reads_the_same_wherever_it_is(void **state)
{
    static const char as[] = "aaaaaaaaaaaaaaaaaaaaaaaa";

    for (size_t at = 0; at < sizeof(as) - 1; at++)
        for (unsigned byte = 1; byte < 128; byte++) {
            char given[sizeof(as)];
            memcpy(given, as, sizeof(as));
            struct buf buf = {0}, back = {0};
            struct json_out out = {.buf = &buf};
            struct json json;
            given[at] = (char)byte;
            json_text(&out, text(given));
            assert_int_equal(json_parse(&json, buf_text(&buf)), ERR_OK);
            assert_true(json_to_text(json_root(&json), &back));
            assert_true(text_equal(buf_text(&back), text(given)));
            json_fini(&json);
            buf_fini(&back);
            buf_fini(&buf);
        }
}

static void depth_and_count_have_a_limit(void **state)
{
    assert_int_equal(parse_nested(JSON_DEPTH_MAX), ERR_OK);
    assert_int_equal(parse_nested(JSON_DEPTH_MAX + 1), ERR_BAD_JSON);
    assert_int_equal(parse_nested(1000000), ERR_BAD_JSON);
    assert_int_equal(parse_wide(JSON_TOKENS_MAX - 1), ERR_OK);
    assert_int_equal(parse_wide(JSON_TOKENS_MAX), ERR_BAD_JSON);
}

static void a_caller_may_set_another_bound(void **state)
{
    struct json json;
    assert_int_equal(json_parse_up_to(&json, TEXT("[1,{\"a\":2}]"), 5), ERR_OK);
    json_fini(&json);
    assert_int_equal(json_parse_up_to(&json, TEXT("[1,{\"a\":2}]"), 4), ERR_BAD_JSON);
    json_fini(&json);
}

static void the_widest_text_takes_milliseconds(void **state)
{
    const int64_t start = clock_mono_ms();
    assert_int_equal(parse_wide(JSON_TOKENS_MAX - 1), ERR_OK);
    assert_true(clock_mono_ms() - start < 60); /* quadratic: 500 and more under the sanitizers */
}

static void members_are_found_and_walked(void **state)
{
    struct json json;
    assert_int_equal(
        json_parse(&json, TEXT("{\"a\":{\"x\":[1,{\"y\":2}],\"a\":9},\"b\":\"t\",\"a\":3,"
                               "\"\\u0063\":4,\"d\":null}")),
        ERR_OK);
    const struct json_value root = json_root(&json);
    assert_int_equal(json_size(root), 5);
    assert_int_equal(json_kind(json_get(root, "a")), JSON_OBJECT); /* the first of the two */
    assert_int_equal(json_kind(json_get(json_get(root, "a"), "x")), JSON_ARRAY);
    assert_int_equal(json_kind(json_get(root, "x")), JSON_NONE);   /* not from deeper down */
    assert_int_equal(json_kind(json_get(root, "c")), JSON_NUMBER); /* however it is written */
    assert_int_equal(json_kind(json_get(root, "d")), JSON_NULL);
    assert_true(json_is_given(json_get(root, "b")));
    assert_false(json_is_given(json_get(root, "d")) || json_is_given(json_get(root, "e")));
    assert_int_equal(json_kind(json_get(json_get(root, "b"), "t")), JSON_NONE);
    assert_int_equal(json_kind(json_get(json_get(root, "no"), "no")), JSON_NONE);

    const char *keys[] = {"a", "b", "a", "\\u0063", "d"};
    size_t count = 0;
    for (struct json_iter it = json_iter(root); json_next(&it); count++)
        assert_true(text_equal(it.key, text(keys[count])));
    assert_int_equal(count, 5);
    json_fini(&json);
}

static void items_are_walked_in_order(void **state)
{
    static const char *const raw[] = {"1", "[2,[3]]", "\"4\"", "{\"5\":[6]}", "true"};
    struct json json;
    size_t count = 0;
    assert_int_equal(json_parse(&json, TEXT("[1, [2,[3]] ,\"4\",{\"5\":[6]},true]")), ERR_OK);
    for (struct json_iter it = json_iter(json_root(&json)); json_next(&it); count++)
        assert_true(text_equal(json_raw(it.value), text(raw[count])));
    assert_int_equal(count, ARRAY_COUNT(raw));
    assert_int_equal(json_size(json_root(&json)), ARRAY_COUNT(raw));
    json_fini(&json);
}

static void what_is_absent_has_nothing(void **state)
{
    const struct json_value none = {0};
    struct buf buf = {0};
    int64_t number;
    bool truth;
    struct json_iter it = json_iter(none);
    assert_false(json_next(&it));
    assert_int_equal(json_size(none), 0);
    assert_int_equal(json_raw(none).len, 0);
    assert_false(json_to_i64(none, &number) || json_to_bool(none, &truth) ||
                 json_to_text(none, &buf));
}

static bool number_of(const char *bytes, int64_t *out)
{
    struct json json;
    assert_int_equal(json_parse(&json, text(bytes)), ERR_OK);
    const bool good = json_to_i64(json_root(&json), out);
    json_fini(&json);
    return good;
}

static void whole_numbers_are_read_and_others_are_not(void **state)
{
    int64_t number;
    assert_true(number_of("9223372036854775807", &number) && number == INT64_MAX);
    assert_true(number_of("-9223372036854775808", &number) && number == INT64_MIN);
    assert_true(number_of("-0", &number) && number == 0);
    assert_false(number_of("9223372036854775808", &number));
    assert_false(number_of("-9223372036854775809", &number));
    assert_false(number_of("99999999999999999999999", &number));
    assert_false(number_of("1.0", &number));
    assert_false(number_of("1e3", &number));
    assert_false(number_of("\"1\"", &number));
    assert_false(number_of("true", &number));
}

static bool unsigned_of(const char *word, uint64_t *number)
{
    struct json json;
    assert_int_equal(json_parse(&json, text(word)), ERR_OK);
    const bool good = json_to_u64(json_root(&json), number);
    json_fini(&json);
    return good;
}

static void unsigned_numbers_use_all_64_bits(void **state)
{
    struct buf buf = {0};
    struct json_out out = {&buf};
    uint64_t number;

    assert_true(unsigned_of("18446744073709551615", &number) && number == UINT64_MAX);
    assert_true(unsigned_of("0", &number) && number == 0);
    assert_false(unsigned_of("18446744073709551616", &number));
    assert_false(unsigned_of("-1", &number));
    assert_false(unsigned_of("1.0", &number));
    assert_false(unsigned_of("\"1\"", &number));
    json_u64(&out, UINT64_MAX);
    assert_string_equal(buf_cstring(&buf), "18446744073709551615");
    buf_fini(&buf);
}

static void strings_are_unescaped(void **state)
{
    struct json json;
    struct buf out = {0};
    assert_int_equal(
        json_parse(&json,
                   TEXT("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\uDE00\\u007fé\"")),
        ERR_OK);
    assert_true(json_to_text(json_root(&json), &out));
    assert_string_equal(buf_cstring(&out), "a\"\\/\b\f\n\r\té€😀\x7fé");
    assert_int_equal(json_raw(json_root(&json)).at[0], '"');
    json_fini(&json);
    buf_fini(&out);
}

static void what_is_written_reads_the_same(void **state)
{
    struct buf buf = {0}, back = {0};
    struct json_out out = {&buf};
    struct json json;
    char all[256];
    size_t len = 0;

    for (int byte = 1; byte < 0x80; byte++)
        all[len++] = (char)byte;
    memcpy(all + len, "é€😀", sizeof("é€😀") - 1);
    len += sizeof("é€😀") - 1;
    json_text(&out, text_of(all, len));
    assert_int_equal(json_parse(&json, buf_text(&buf)), ERR_OK);
    assert_true(json_to_text(json_root(&json), &back));
    assert_true(text_equal(buf_text(&back), text_of(all, len)));
    json_fini(&json);
    buf_fini(&back);
    buf_fini(&buf);
}

static void commas_stand_between_and_nowhere_else(void **state)
{
    struct buf buf = {0};
    struct json_out out = {&buf};

    json_open(&out, '{');
    json_key(&out, "empty");
    json_open(&out, '[');
    json_close(&out, ']');
    json_key(&out, "list");
    json_open(&out, '[');
    json_i64(&out, -1);
    json_open(&out, '{');
    json_close(&out, '}');
    json_bool(&out, true);
    json_null(&out);
    json_close(&out, ']');
    json_key_text(&out, "text", TEXT("a\"\n\x01</"));
    json_key_id(&out, "id", 42);
    json_key_i64(&out, "n", 7);
    json_key_u64(&out, "u", 8);
    json_key_bool(&out, "no", false);
    json_name(&out, TEXT("so \"called\""));
    json_null(&out);
    json_key_time(&out, "at", 0);
    json_key_raw(&out, "raw", TEXT("[1]"));
    json_key_base64(&out, "bytes", text_of("\xff\0?>", 4));
    json_key_text(&out, "none", (struct text){0});
    json_close(&out, '}');
    assert_string_equal(buf_cstring(&buf),
                        "{\"empty\":[],\"list\":[-1,{},true,null],\"text\":\"a\\\"\\n\\u0001</\","
                        "\"id\":\"42\",\"n\":7,\"u\":8,\"no\":false,\"so \\\"called\\\"\":null,\"at\":\"1970-01-01T00:00:00.000Z\","
                        "\"raw\":[1],\"bytes\":\"/wA/Pg==\",\"none\":\"\"}");
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(what_is_not_text_is_refused),
        cmocka_unit_test(json_of_every_kind_is_accepted),
        cmocka_unit_test(a_byte_that_may_not_stand_in_a_string_is_found_wherever_it_is),
        cmocka_unit_test(any_ascii_byte_is_written_so_that_it_reads_the_same_wherever_it_is),
        cmocka_unit_test(depth_and_count_have_a_limit),
        cmocka_unit_test(a_caller_may_set_another_bound),
        cmocka_unit_test(the_widest_text_takes_milliseconds),
        cmocka_unit_test(members_are_found_and_walked),
        cmocka_unit_test(items_are_walked_in_order),
        cmocka_unit_test(what_is_absent_has_nothing),
        cmocka_unit_test(whole_numbers_are_read_and_others_are_not),
        cmocka_unit_test(unsigned_numbers_use_all_64_bits),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
