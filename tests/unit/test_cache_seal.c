#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/store/cache_seal.h"

#define KEY   TEXT("rooms:8")
#define FIELD TEXT("7")

static const struct text values[] = {TEXT(""), TEXT("1"), TEXT("12345678"), TEXT("1772357400000002 90 12 0 1\nT\xc3\xa9, hot")};

static struct buf sealed(struct text value)
{
    struct buf out = {0};

    buf_add_text(&out, TEXT("before"));
    buf_add_text(&out, value);
    cache_seal(&out, strlen("before"), KEY, FIELD);
    return out;
}

static struct text value_in(const struct buf *out)
{
    return text_after(buf_text(out), strlen("before"));
}

static void what_was_sealed_comes_back(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf out = sealed(values[i]);
        struct text value = value_in(&out);
        assert_true(cache_unseal(&value, KEY, FIELD));
        assert_true(text_equal(value, values[i]));
        buf_fini(&out);
    }
}

static void a_value_with_any_bit_changed_is_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf out = sealed(values[i]);
        for (size_t at = strlen("before"); at < out.len; at++)
            for (int bit = 0; bit < 8; bit++) {
                struct text value = value_in(&out);
                out.at[at] ^= (char)(1 << bit);
                assert_false(cache_unseal(&value, KEY, FIELD));
                out.at[at] ^= (char)(1 << bit);
            }
        buf_fini(&out);
    }
}

static void a_value_that_is_shorter_is_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf out = sealed(values[i]);
        for (size_t len = 0; len < value_in(&out).len; len++) {
            struct text value = text_of(value_in(&out).at, len);
            assert_false(cache_unseal(&value, KEY, FIELD));
        }
        buf_fini(&out);
    }
}

static void a_value_in_the_place_of_another_is_refused(void **state)
{
    static const struct text places[][2] = {{TEXT("rooms:9"), FIELD}, {KEY, TEXT("8")}, {KEY, TEXT("")}, {TEXT("rooms:87"), TEXT("")}};
    struct buf out = sealed(values[3]);

    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        struct text value = value_in(&out);
        assert_false(cache_unseal(&value, places[i][0], places[i][1]));
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_back),
        cmocka_unit_test(a_value_with_any_bit_changed_is_refused),
        cmocka_unit_test(a_value_that_is_shorter_is_refused),
        cmocka_unit_test(a_value_in_the_place_of_another_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
