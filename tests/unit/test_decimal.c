#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/decimal.h"

static void numbers_are_digits_with_a_sign_and_a_fraction(void **state)
{
    static const char *const good[] = {
        "0", "-0", "+1", "007", "1.5", "-0.001", "12345678901234567890123.456"};
    static const char *const bad[] = {"",    "-",  "+",  ".",   "1.",  ".5",    "-.5", "1e3",
                                      "0x1", " 1", "1 ", "1,5", "--1", "1.2.3", "NaN", "\u0661"};

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(decimal_valid(text(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(decimal_valid(text(bad[i])));
}

static void what_is_no_number_has_no_order(void **state)
{
    int order;
    assert_false(decimal_compare(TEXT("1"), TEXT("one"), &order));
    assert_false(decimal_compare(TEXT(""), TEXT("1"), &order));
}

/* Rows from the least to the greatest; those in one row are equal. */
static void numbers_have_one_order_however_long_they_are(void **state)
{
    static const char *const rows[][3] = {
        {"-100000000000000000000000000000000", "-0100000000000000000000000000000000.0"},
        {"-99999999999999999999999999999999"},
        {"-10", "-10.00"},
        {"-9.5", "-09.50"},
        {"-9.49"},
        {"-0.00000000000000000000000000000001"},
        {"0", "-0.0", "+000"},
        {"0.00000000000000000000000000000001"},
        {"0.5", "+0.5", "00.500"},
        {"0.51"},
        {"0.6"},
        {"9"},
        {"10", "+10", "10.0"},
        {"10.000000000000000000000000000000000001"},
        {"99999999999999999999999999999999"},
        {"100000000000000000000000000000000"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t k = 0; k < ARRAY_COUNT(rows); k++)
            for (size_t a = 0; a < 3 && rows[i][a] != NULL; a++)
                for (size_t b = 0; b < 3 && rows[k][b] != NULL; b++) {
                    int order;
                    assert_true(decimal_compare(text(rows[i][a]), text(rows[k][b]), &order));
                    assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_with_a_sign_and_a_fraction),
        cmocka_unit_test(what_is_no_number_has_no_order),
        cmocka_unit_test(numbers_have_one_order_however_long_they_are),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
