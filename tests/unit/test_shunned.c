#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/model/shunned.h"

static void a_list_is_read_as_it_was_written(void **state)
{
    int64_t ids[] = {3, 7, INT64_MAX};

    for (size_t count = 0; count <= ARRAY_COUNT(ids); count++) {
        const struct shunned written = {ids, count};
        struct shunned read;
        struct buf value = {0};
        shunned_write_value(&value, &written);
        assert_true(shunned_read_value(buf_text(&value), &read));
        assert_int_equal(read.count, count);
        for (size_t i = 0; i < count; i++)
            assert_true(shunned_has(&read, ids[i]));
        assert_false(shunned_has(&read, 5));
        shunned_fini(&read);
        buf_fini(&value);
    }
}

static void what_nobody_wrote_is_no_list(void **state)
{
    static const char *const values[] = {"", "3 7", "3 7 ", "7 3 .", "3 3 .", "0 .", "-3 .", "3  .", "x .", "3 . ", " .", "99999999999999999999 ."};
    struct shunned read;

    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        assert_false(shunned_read_value(text(values[i]), &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_as_it_was_written),
        cmocka_unit_test(what_nobody_wrote_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
