#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus/numbers.h"

static struct numbers numbers_at(uint64_t last)
{
    struct numbers numbers;

    numbers_start(&numbers, last);
    return numbers;
}

static void numbers_in_a_row_leave_no_hole(void **state)
{
    struct numbers numbers = numbers_at(41);
    struct number_range hole;

    for (uint64_t n = 42; n < 50; n++) {
        assert_false(numbers_reach(&numbers, n - 1, &hole));
        assert_true(numbers_take(&numbers, n));
        assert_false(numbers_take(&numbers, n));
    }
}

static void a_jump_is_a_hole_that_can_be_filled_once(void **state)
{
    struct numbers numbers = numbers_at(1);
    struct number_range hole;

    assert_true(numbers_reach(&numbers, 5, &hole));
    assert_int_equal(hole.from, 2);
    assert_int_equal(hole.to, 5);
    assert_true(numbers_take(&numbers, 6));
    static const uint64_t late[] = {4, 2, 5, 3};
    for (size_t i = 0; i < ARRAY_COUNT(late); i++) {
        assert_true(numbers_take(&numbers, late[i]));
        assert_false(numbers_take(&numbers, late[i]));
    }
    assert_int_equal(numbers.hole_count, 0);
    assert_false(numbers_take(&numbers, 1));
}

static void of_too_many_holes_the_oldest_is_forgotten(void **state)
{
    struct numbers numbers = numbers_at(0);
    struct number_range hole;
    uint64_t last = 0;

    for (size_t i = 0; i < NUMBERS_HOLES_MAX + 3; i++) {
        assert_true(numbers_reach(&numbers, last + 3, &hole)); /* misses three */
        assert_true(numbers_take(&numbers, last + 4));
        last += 4;
    }
    assert_int_equal(numbers.hole_count, NUMBERS_HOLES_MAX);
    assert_false(numbers_take(&numbers, 2));
    assert_false(numbers_take(&numbers, 10));
    assert_true(numbers_take(
        &numbers,
        14)); /* the middle of 13..15, the oldest left: splits it, which drops its lower part */
    assert_int_equal(numbers.hole_count, NUMBERS_HOLES_MAX);
    assert_true(numbers_take(&numbers, last - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_a_row_leave_no_hole),
        cmocka_unit_test(a_jump_is_a_hole_that_can_be_filled_once),
        cmocka_unit_test(of_too_many_holes_the_oldest_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
