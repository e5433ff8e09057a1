#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
    struct buf buf = {0};
    buf_add(&buf, NULL, 0);
    buf_add_text(&buf, (struct text){0});
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf_cstring(&buf), "");
    buf_fini(&buf);
}

static void bytes_stay_in_order_while_it_grows(void **state)
{
    struct buf buf = {0};
    for (int i = 0; i < 100000; i++)
        buf_add_byte(&buf, (char)(i % 251));
    assert_int_equal(buf.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal((unsigned char)buf.at[i], i % 251);
    buf_fini(&buf);
    assert_null(buf.at);
}

static void numbers_are_written_to_their_last_digit(void **state)
{
    const int64_t numbers[] = {0, 7, -7, 1000, INT64_MAX, INT64_MIN};
    struct buf buf = {0};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        buf_add_i64(&buf, numbers[i]);
        buf_add_byte(&buf, ' ');
    }
    buf_add_u64(&buf, UINT64_MAX);
    assert_string_equal(buf_cstring(&buf),
                        "0 7 -7 1000 9223372036854775807 -9223372036854775808 18446744073709551615");
    buf_fini(&buf);
}

static void printing_fits_whatever_the_length(void **state)
{
    for (int width = 0; width < 600; width += 17) {
        struct buf buf = {0};
        buf_add_text(&buf, TEXT("ab"));
        buf_printf(&buf, "%0*d", width, 5);
        assert_int_equal(buf.len, 2 + (width != 0 ? width : 1));
        assert_int_equal(buf.at[buf.len - 1], '5');
        buf_fini(&buf);
    }
}

static void the_closing_nul_is_not_counted(void **state)
{
    struct buf buf = {0};
    buf_add_text(&buf, TEXT("tea"));
    assert_string_equal(buf_cstring(&buf), "tea");
    buf_add_text(&buf, TEXT("pot"));
    assert_true(text_equal(buf_text(&buf), TEXT("teapot")));
    buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(bytes_stay_in_order_while_it_grows),
        cmocka_unit_test(numbers_are_written_to_their_last_digit),
        cmocka_unit_test(printing_fits_whatever_the_length),
        cmocka_unit_test(the_closing_nul_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
