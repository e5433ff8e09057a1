#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static const struct {
    int number, status;
    const char *code, *title;
} table[] = {
#define X(name, number, status, code, title) {number, status, code, title},
    ERR_TABLE(X)
#undef X
};

static void numbers_and_codes_are_used_once(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        for (size_t j = i + 1; j < ARRAY_COUNT(table); j++) {
            assert_int_not_equal(table[i].number, table[j].number);
            assert_string_not_equal(table[i].code, table[j].code);
        }
}

static void numbers_fit_the_socket_and_statuses_http(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        assert_in_range(table[i].number, 0, 99); /* a socket's error is 400 + number */
        assert_in_range(table[i].status, 200, 599);
        assert_true(strspn(table[i].code, "abcdefghijklmnopqrstuvwxyz_") == strlen(table[i].code));
        assert_true(strlen(table[i].title) > 0);
    }
}

static void every_error_is_found_by_number_and_by_code(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        assert_string_equal(err_code((enum err)table[i].number), table[i].code);
        assert_string_equal(err_title((enum err)table[i].number), table[i].title);
        assert_int_equal(err_status((enum err)table[i].number), table[i].status);
        assert_int_equal(err_from_code(table[i].code), table[i].number);
    }
}

static void an_unknown_error_is_an_internal_one(void **state)
{
    assert_string_equal(err_code((enum err)59), "internal");
    assert_int_equal(err_status((enum err)59), 500);
    assert_int_equal(err_from_code("no_such_code"), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_codes_are_used_once),
        cmocka_unit_test(numbers_fit_the_socket_and_statuses_http),
        cmocka_unit_test(every_error_is_found_by_number_and_by_code),
        cmocka_unit_test(an_unknown_error_is_an_internal_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
