#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/model/profile.h"

static const struct profile_limits limits = {.fields = 3, .value_chars = 4};

/* What is stored of a client's fields; NULL when they are refused, with `*err`. */
static const char *stored(const char *given, struct buf *out, enum err *err)
{
    struct profile_fault fault = {ERR_OK, NULL};
    struct json json;

    buf_reset(out);
    assert_int_equal(json_parse(&json, text(given)), ERR_OK);
    const bool is_fine = profile_read(json_root(&json), &limits, out, &fault);
    json_fini(&json);
    *err = fault.err;
    return is_fine ? buf_cstring(out) : NULL;
}

static void fields_are_stored_as_their_texts_mean(void **state)
{
    struct buf out = {0};
    enum err err;

    assert_string_equal(stored("{ \"b\" : \"\\u0041\", \"a\":\"\"}", &out, &err), "{\"b\":\"A\",\"a\":\"\"}");
    assert_string_equal(stored("{\"say \\\"hi\\\"\":\"\\\"\"}", &out, &err), "{\"say \\\"hi\\\"\":\"\\\"\"}");
    assert_string_equal(stored("{}", &out, &err), "{}");
    buf_fini(&out);
}

static void fields_beyond_their_bounds_are_refused(void **state)
{
    struct buf out = {0};
    enum err err;

    assert_null(stored("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"4\"}", &out, &err));
    assert_int_equal(err, ERR_OUT_OF_RANGE);
    assert_null(stored("{\"a\":\"12345\"}", &out, &err));
    assert_non_null(stored("{\"a\":\"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\"}", &out, &err));
    assert_null(stored("{\"\":\"1\"}", &out, &err));
    assert_null(stored("{\"a\":[]}", &out, &err));
    assert_int_equal(err, ERR_WRONG_TYPE);
    assert_null(stored("7", &out, &err));
    buf_fini(&out);
}

static void a_name_stands_once_however_it_is_written(void **state)
{
    struct buf out = {0};
    enum err err;

    assert_null(stored("{\"a\":\"1\",\"\\u0061\":\"2\"}", &out, &err));
    assert_int_equal(err, ERR_OUT_OF_RANGE);
    buf_fini(&out);
}

static bool rules(const char *given, bool is_stored, struct buf *out)
{
    struct profile_fault fault;
    struct json json;

    buf_reset(out);
    assert_int_equal(json_parse(&json, text(given)), ERR_OK);
    const bool is_fine = profile_read_visibility(json_root(&json), TEXT("{\"a\":\"1\",\"b\":\"2\"}"), is_stored, out, &fault);
    json_fini(&json);
    buf_cstring(out);
    return is_fine;
}

static void a_visibility_names_fields_that_there_are(void **state)
{
    struct buf out = {0};

    assert_true(rules("{\"\\u0061\":\"nobody\",\"b\":\"everyone\"}", false, &out));
    assert_string_equal(out.at, "{\"a\":\"nobody\"}");
    assert_false(rules("{\"c\":\"nobody\"}", false, &out));
    assert_true(rules("{\"c\":\"nobody\",\"b\":\"contacts\"}", true, &out));
    assert_string_equal(out.at, "{\"b\":\"contacts\"}");
    assert_false(rules("{\"a\":\"Nobody\"}", false, &out));
    assert_false(rules("{\"a\":1}", false, &out));
    assert_false(rules("{\"a\":\"nobody\",\"a\":\"contacts\"}", false, &out));
    buf_fini(&out);
}

static void shown(enum visibility closeness, const char *rules, const char *expected)
{
    struct buf bytes = {0};
    struct json_out out = {.buf = &bytes};

    profile_write(&out, TEXT("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"), text(rules), closeness);
    assert_string_equal(buf_cstring(&bytes), expected);
    buf_fini(&bytes);
}

static void a_reader_sees_what_is_for_one_so_close(void **state)
{
    const char *const rules = "{\"b\":\"contacts\",\"c\":\"nobody\"}";

    shown(VISIBLE_TO_EVERYONE, rules, "{\"a\":\"1\"}");
    shown(VISIBLE_TO_CONTACTS, rules, "{\"a\":\"1\",\"b\":\"2\"}");
    shown(VISIBLE_TO_NOBODY, rules, "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
    shown(VISIBLE_TO_CONTACTS, "{\"a\":\"a word of a later version\"}", "{\"b\":\"2\",\"c\":\"3\"}");
    shown(VISIBLE_TO_NOBODY, "not JSON", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_stored_as_their_texts_mean),
        cmocka_unit_test(fields_beyond_their_bounds_are_refused),
        cmocka_unit_test(a_name_stands_once_however_it_is_written),
        cmocka_unit_test(a_visibility_names_fields_that_there_are),
        cmocka_unit_test(a_reader_sees_what_is_for_one_so_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
