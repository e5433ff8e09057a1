#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "gateway/protocol/filter.h"
#include "gateway/protocol/protobuf.h"

/* ---- the same filter in both forms ---- */

static void add_text_member(struct buf *out, struct json_value node, const char *name,
                            uint32_t number)
{
    struct buf plain = {0};
    if (json_to_text(json_get(node, name), &plain))
        protobuf_add_bytes(out, number, buf_text(&plain));
    buf_fini(&plain);
}

/* Writes a FilterNode; its nodes before all else, since fields may come in any order. */
static void add_message(struct buf *out, struct json_value node)
{
    for (struct json_iter it = json_iter(json_get(node, "nodes")); json_next(&it);) {
        const size_t at = protobuf_open(out, 6);
        add_message(out, it.value);
        protobuf_close(out, at);
    }
    for (struct json_iter it = json_iter(json_get(node, "vals")); json_next(&it);) {
        struct buf plain = {0};
        assert_true(json_to_text(it.value, &plain));
        protobuf_add_bytes(out, 5, buf_text(&plain));
        buf_fini(&plain);
    }
    add_text_member(out, node, "val", 4);
    add_text_member(out, node, "cmp", 3);
    add_text_member(out, node, "key", 2);
    add_text_member(out, node, "op", 1);
}

static struct buf message_of(struct text json)
{
    struct buf message = {0};
    struct json parsed;

    assert_int_equal(json_parse(&parsed, json), ERR_OK);
    add_message(&message, json_root(&parsed));
    json_fini(&parsed);
    return message;
}

/* Reads it in both forms, asks both, and returns what both say. */
static bool passes(const char *json, const struct tag *tags, size_t count)
{
    struct filter *from_json, *from_message;
    struct buf message = message_of(text(json));

    assert_int_equal(filter_read_json(&from_json, text(json)), ERR_OK);
    assert_int_equal(filter_read_protobuf(&from_message, buf_text(&message)), ERR_OK);
    buf_fini(&message); /* and with it what the filter was read from */
    const bool passes = filter_passes(from_json, tags, count);
    assert_int_equal(filter_passes(from_message, tags, count), passes);
    filter_destroy(from_json);
    filter_destroy(from_message);
    return passes;
}

/* Does a publication with the one tag "t" pass? */
static bool lets(const char *json, const char *value)
{
    const struct tag tag = {TEXT("t"), text(value)};
    return passes(json, &tag, 1);
}

static bool lets_untagged(const char *json)
{
    const struct tag other = {TEXT("other"), TEXT("a")};
    const bool passes_other = passes(json, &other, 1);
    assert_int_equal(passes(json, NULL, 0), passes_other);
    return passes_other;
}

static void refused(const char *json)
{
    struct filter *filter = NULL;
    struct buf message = message_of(text(json));

    assert_int_equal(filter_read_json(&filter, text(json)), ERR_INVALID);
    assert_int_equal(filter_read_protobuf(&filter, buf_text(&message)), ERR_INVALID);
    assert_null(filter);
    buf_fini(&message);
}

/* ---- leaves ---- */

static void equality_is_that_of_bytes(void **state)
{
    const char *const eq = "{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"\\u0447\\u0430\\u0439\"}";
    const char *const neq = "{\"key\":\"t\",\"cmp\":\"neq\",\"val\":\"tea\"}";

    assert_true(lets(eq, "\u0447\u0430\u0439"));
    assert_false(lets(eq, "\u0447\u0430"));
    assert_false(lets(eq, ""));
    assert_false(lets_untagged(eq));
    assert_false(lets(neq, "tea"));
    assert_true(lets(neq, "Tea"));
    assert_true(lets_untagged(neq));
}

static void a_set_holds_what_it_lists(void **state)
{
    const char *const in =
        "{\"key\":\"t\",\"cmp\":\"in\",\"vals\":[\"tea\",\"coffee\",\"\",\"tea\",\"mat\"]}";
    const char *const nin = "{\"key\":\"t\",\"cmp\":\"nin\",\"vals\":[\"tea\",\"coffee\",\"\"]}";

    assert_true(lets(in, "tea"));
    assert_true(lets(in, "coffee"));
    assert_true(lets(in, "mat"));
    assert_true(lets(in, ""));
    assert_false(lets(in, "milk"));
    assert_false(lets(in, "te"));
    assert_false(lets_untagged(in));
    assert_false(lets(nin, "tea"));
    assert_true(lets(nin, "milk"));
    assert_true(lets_untagged(nin));
}

static void a_tag_is_there_or_not(void **state)
{
    const char *const ex = "{\"key\":\"t\",\"cmp\":\"ex\"}", *const nex =
                                                                 "{\"key\":\"t\",\"cmp\":\"nex\"}";

    assert_true(lets(ex, ""));
    assert_false(lets_untagged(ex));
    assert_false(lets(nex, ""));
    assert_true(lets_untagged(nex));
}

static void parts_are_found_at_the_start_the_end_and_anywhere(void **state)
{
    const char *const sw = "{\"key\":\"t\",\"cmp\":\"sw\",\"val\":\"te\"}";
    const char *const ew = "{\"key\":\"t\",\"cmp\":\"ew\",\"val\":\"ea\"}";
    const char *const ct = "{\"key\":\"t\",\"cmp\":\"ct\",\"val\":\"ea\"}";

    assert_true(lets(sw, "tea") && lets(sw, "te"));
    assert_false(lets(sw, "t") || lets(sw, "ate") || lets(sw, "") || lets_untagged(sw));
    assert_true(lets(ew, "tea") && lets(ew, "ea"));
    assert_false(lets(ew, "a") || lets(ew, "eat") || lets(ew, "") || lets_untagged(ew));
    assert_true(lets(ct, "tea") && lets(ct, "eat") && lets(ct, "heat"));
    assert_false(lets(ct, "e") || lets(ct, "eta") || lets(ct, "") || lets_untagged(ct));
}

static void numbers_are_compared_as_numbers(void **state)
{
    const char *const lt = "{\"key\":\"t\",\"cmp\":\"lt\",\"val\":\"10.5\"}";
    const char *const lte = "{\"key\":\"t\",\"cmp\":\"lte\",\"val\":\"10.5\"}";
    const char *const gt = "{\"key\":\"t\",\"cmp\":\"gt\",\"val\":\"10.5\"}";
    const char *const gte = "{\"key\":\"t\",\"cmp\":\"gte\",\"val\":\"10.5\"}";
    static const char *const no_numbers[] = {"", "9e0", "nine", "9 "};

    assert_true(lets(lt, "9") && lets(lt, "-11") && lets(lt, "10.49999999999999999999999999"));
    assert_false(lets(lt, "10.50") || lets(lt, "10.500000000000000000000001"));
    assert_true(lets(lte, "10.50") && lets(lte, "9"));
    assert_false(lets(lte, "11"));
    assert_true(lets(gt, "100") && lets(gt, "10.500000000000000000000001"));
    assert_false(lets(gt, "9") || lets(gt, "10.5"));
    assert_true(lets(gte, "10.500") && lets(gte, "11"));
    assert_false(lets(gte, "9"));
    for (size_t i = 0; i < ARRAY_COUNT(no_numbers); i++)
        assert_false(lets(lt, no_numbers[i]) || lets(lte, no_numbers[i]) ||
                     lets(gt, no_numbers[i]) || lets(gte, no_numbers[i]));
    assert_false(lets_untagged(lt) || lets_untagged(lte) || lets_untagged(gt) ||
                 lets_untagged(gte));
}

/* ---- trees ---- */

#define IS(value) "{\"op\":\"\",\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"" value "\"}"

static void and_or_and_not_mean_what_they_say(void **state)
{
    const char *const both =
        "{\"op\":\"and\",\"nodes\":[{\"key\":\"t\",\"cmp\":\"sw\",\"val\":\"t\"},"
        "{\"key\":\"t\",\"cmp\":\"ew\",\"val\":\"a\"}]}";
    const char *const either = "{\"op\":\"or\",\"nodes\":[" IS("tea") "," IS("coffee") "]}";
    const char *const neither =
        "{\"op\":\"not\",\"nodes\":[{\"op\":\"or\",\"nodes\":[" IS("tea") "," IS("coffee") "]}]}";

    assert_true(lets(both, "tea"));
    assert_false(lets(both, "ten") || lets(both, "sea") || lets(both, "no"));
    assert_true(lets(either, "tea") && lets(either, "coffee"));
    assert_false(lets(either, "milk"));
    assert_false(lets(neither, "tea") || lets(neither, "coffee"));
    assert_true(lets(neither, "milk") && lets_untagged(neither));
}

static void a_node_is_skipped_with_all_below_it(void **state)
{
    const char *const json =
        "{\"op\":\"and\",\"nodes\":["
        "{\"op\":\"or\",\"nodes\":[" IS("a") ",{\"op\":\"not\",\"nodes\":[" IS(
            "b") "]}]},"
                 "{\"op\":\"not\",\"nodes\":[{\"op\":\"and\",\"nodes\":[" IS("c") "]}]}]}";
    assert_true(lets(json, "a") && lets(json, "d"));
    assert_false(lets(json, "b") || lets(json, "c"));
}

static void every_tag_is_looked_at_and_the_first_of_a_name_counts(void **state)
{
    const struct tag tags[] = {
        {TEXT("a"), TEXT("1")}, {TEXT("b"), TEXT("2")}, {TEXT("b"), TEXT("3")}};

    assert_true(passes("{\"key\":\"b\",\"cmp\":\"eq\",\"val\":\"2\"}", tags, 3));
    assert_false(passes("{\"key\":\"b\",\"cmp\":\"eq\",\"val\":\"3\"}", tags, 3));
    assert_false(passes("{\"key\":\"c\",\"cmp\":\"ex\"}", tags, 3));
}

static void each_leaf_has_its_own_vals(void **state)
{
    const struct tag tags[] = {{TEXT("a"), TEXT("1")}, {TEXT("b"), TEXT("4")}};
    const char *const json =
        "{\"op\":\"and\",\"nodes\":[{\"key\":\"a\",\"cmp\":\"in\",\"vals\":[\"2\",\"1\"]},"
        "{\"key\":\"b\",\"cmp\":\"in\",\"vals\":[\"4\",\"3\"]}]}";

    assert_true(passes(json, tags, 2));
    assert_false(passes(json, tags, 1));
}

/* ---- refusals ---- */

static void filters_that_make_no_sense_are_refused(void **state)
{
    refused("{}");
    refused("{\"op\":\"xor\",\"nodes\":[" IS("a") "]}");
    refused("{\"key\":\"t\",\"cmp\":\"like\",\"val\":\"a\"}");
    refused("{\"key\":\"t\",\"val\":\"a\"}");
    refused("{\"cmp\":\"eq\",\"val\":\"a\"}");
    refused("{\"cmp\":\"ex\"}");
    refused("{\"op\":\"and\"}");
    refused("{\"op\":\"or\",\"nodes\":[]}");
    refused("{\"op\":\"not\"}");
    refused("{\"op\":\"not\",\"nodes\":[" IS("a") "," IS("b") "]}");
    refused("{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"a\",\"nodes\":[" IS("a") "]}");
    refused("{\"op\":\"and\",\"nodes\":[" IS("a") ",{}]}");
}

static void a_leaf_has_just_what_its_comparison_needs(void **state)
{
    refused("{\"key\":\"t\",\"cmp\":\"eq\"}");
    refused("{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"a\",\"vals\":[\"a\"]}");
    refused("{\"key\":\"t\",\"cmp\":\"ct\",\"val\":\"\"}");
    refused("{\"key\":\"t\",\"cmp\":\"in\",\"val\":\"a\"}");
    refused("{\"key\":\"t\",\"cmp\":\"nin\",\"vals\":[]}");
    refused("{\"key\":\"t\",\"cmp\":\"ex\",\"val\":\"a\"}");
    refused("{\"key\":\"t\",\"cmp\":\"nex\",\"vals\":[\"a\"]}");
    refused("{\"key\":\"t\",\"cmp\":\"lt\",\"val\":\"\"}");
    refused("{\"key\":\"t\",\"cmp\":\"lte\",\"val\":\"ten\"}");
    refused("{\"key\":\"t\",\"cmp\":\"gt\",\"val\":\"1e3\"}");
    refused("{\"key\":\"t\",\"cmp\":\"gte\",\"vals\":[\"1\"]}");
}

static void json_of_another_shape_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "null",
        "[]",
        "\"eq\"",
        "{\"op\":1}",
        "{\"op\":\"and\",\"nodes\":{}}",
        "{\"op\":\"and\",\"nodes\":[1]}",
        "{\"op\":\"and\",\"nodes\":[null]}",
        "{\"key\":\"t\",\"cmp\":\"in\",\"vals\":\"a\"}",
        "{\"key\":\"t\",\"cmp\":\"in\",\"vals\":[1]}",
        "{\"key\":\"t\",\"cmp\":\"lt\",\"val\":1}",
        "{\"key\":true,\"cmp\":\"ex\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct filter *filter = NULL;
        assert_int_equal(filter_read_json(&filter, text(bad[i])), ERR_INVALID);
        assert_null(filter);
    }
}

static void members_that_are_null_or_unknown_do_not_matter(void **state)
{
    struct filter *filter;
    assert_int_equal(
        filter_read_json(&filter, TEXT("{\"op\":null,\"key\":\"t\",\"cmp\":\"ex\",\"val\":null,"
                                       "\"vals\":null,\"nodes\":null,\"more\":{}}")),
        ERR_OK);
    filter_destroy(filter);
    assert_int_equal(filter_read_protobuf(&filter, TEXT("\x12\x01t\x1a\x02"
                                                        "ex\x38\x01")),
                     ERR_OK);
    filter_destroy(filter);
    filter_destroy(NULL);
}

static void messages_of_another_shape_are_refused(void **state)
{
    static const struct text bad[] = {
        TEXT(""),
        TEXT("\x12\x01t\x1a\x02"
             "e"), /* cut off */
        TEXT("\x12\x01t\x1a\x02"
             "ex\x20\x01"), /* val is a number */
        TEXT("\x0a\x03"
             "and\x30\x01"), /* nodes is one */
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct filter *filter = NULL;
        assert_int_equal(filter_read_protobuf(&filter, bad[i]), ERR_INVALID);
        assert_null(filter);
    }
}

static void of_a_field_that_comes_twice_the_last_counts(void **state)
{
    const struct tag tag = {TEXT("t"), TEXT("a")};
    struct filter *filter;
    assert_int_equal(filter_read_protobuf(&filter, TEXT("\x12\x01s\x1a\x03nex\x12\x01t\x1a\x02"
                                                        "ex")),
                     ERR_OK);
    assert_true(filter_passes(filter, &tag, 1));
    filter_destroy(filter);
}

/* ---- limits ---- */

/* `count` times `piece` between `start` and `end`, with commas. */
static struct buf repeated(const char *start, const char *piece, size_t count, const char *end)
{
    struct buf out = {0};
    buf_add_text(&out, text(start));
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i > 0 ? "," : "", piece);
    buf_add_text(&out, text(end));
    return out;
}

static void assert_both(struct buf *json, enum err err)
{
    struct buf message = message_of(buf_text(json));
    struct filter *one = NULL, *other = NULL;

    assert_int_equal(filter_read_json(&one, buf_text(json)), err);
    assert_int_equal(filter_read_protobuf(&other, buf_text(&message)), err);
    filter_destroy(one);
    filter_destroy(other);
    buf_fini(&message);
    buf_fini(json);
}

/* As a message: JSON may not be that deep. */
static enum err read_nested(size_t depth)
{
    struct buf message = {0};
    struct filter *filter = NULL;
    size_t at[FILTER_DEPTH_MAX + 1];

    for (size_t i = 0; i < depth - 1; i++) {
        protobuf_add_bytes(&message, 1, TEXT("not"));
        at[i] = protobuf_open(&message, 6);
    }
    protobuf_add_bytes(&message, 2, TEXT("t"));
    protobuf_add_bytes(&message, 3, TEXT("ex"));
    for (size_t i = depth - 1; i-- > 0;)
        protobuf_close(&message, at[i]);
    const enum err err = filter_read_protobuf(&filter, buf_text(&message));
    filter_destroy(filter);
    buf_fini(&message);
    return err;
}

static void a_tree_has_a_largest_depth(void **state)
{
    struct buf json = {0};

    assert_int_equal(read_nested(FILTER_DEPTH_MAX), ERR_OK);
    assert_int_equal(read_nested(FILTER_DEPTH_MAX + 1), ERR_INVALID);
    for (size_t i = 1; i < FILTER_DEPTH_MAX; i++)
        buf_add_text(&json, TEXT("{\"op\":\"not\",\"nodes\":["));
    buf_add_text(&json, TEXT(IS("a")));
    for (size_t i = 1; i < FILTER_DEPTH_MAX; i++)
        buf_add_text(&json, TEXT("]}"));
    assert_both(&json, ERR_OK);
}

static void nodes_and_vals_are_limited(void **state)
{
    struct buf json;

    json = repeated("{\"op\":\"and\",\"nodes\":[", IS("a"), FILTER_NODES_MAX - 1, "]}");
    assert_both(&json, ERR_OK);
    json = repeated("{\"op\":\"and\",\"nodes\":[", IS("a"), FILTER_NODES_MAX, "]}");
    assert_both(&json, ERR_INVALID);
    json = repeated("{\"key\":\"t\",\"cmp\":\"in\",\"vals\":[", "\"a\"", FILTER_VALS_MAX, "]}");
    assert_both(&json, ERR_OK);
    json = repeated("{\"key\":\"t\",\"cmp\":\"in\",\"vals\":[", "\"a\"", FILTER_VALS_MAX + 1, "]}");
    assert_both(&json, ERR_INVALID);
}

static void a_filter_has_a_largest_size(void **state)
{
    struct buf json = {0};
    char *letters = xmalloc(FILTER_BYTES_MAX);

    memset(letters, 'q', FILTER_BYTES_MAX);
    buf_printf(&json, "{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"%.*s\"}", FILTER_BYTES_MAX - 40,
               letters);
    assert_both(&json, ERR_OK);
    buf_printf(&json, "{\"key\":\"t\",\"cmp\":\"eq\",\"val\":\"%.*s\"}", FILTER_BYTES_MAX, letters);
    assert_both(&json, ERR_INVALID);
    free(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_that_of_bytes),
        cmocka_unit_test(a_set_holds_what_it_lists),
        cmocka_unit_test(a_tag_is_there_or_not),
        cmocka_unit_test(parts_are_found_at_the_start_the_end_and_anywhere),
        cmocka_unit_test(numbers_are_compared_as_numbers),
        cmocka_unit_test(and_or_and_not_mean_what_they_say),
        cmocka_unit_test(a_node_is_skipped_with_all_below_it),
        cmocka_unit_test(every_tag_is_looked_at_and_the_first_of_a_name_counts),
        cmocka_unit_test(each_leaf_has_its_own_vals),
        cmocka_unit_test(filters_that_make_no_sense_are_refused),
        cmocka_unit_test(a_leaf_has_just_what_its_comparison_needs),
        cmocka_unit_test(json_of_another_shape_is_refused),
        cmocka_unit_test(members_that_are_null_or_unknown_do_not_matter),
        cmocka_unit_test(messages_of_another_shape_are_refused),
        cmocka_unit_test(of_a_field_that_comes_twice_the_last_counts),
        cmocka_unit_test(a_tree_has_a_largest_depth),
        cmocka_unit_test(nodes_and_vals_are_limited),
        cmocka_unit_test(a_filter_has_a_largest_size),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
