#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus/window.h"

static int setup(void **state)
{
    *state = windows_create();
    return 0;
}

static int teardown(void **state)
{
    windows_destroy(*state);
    return 0;
}

static void each_number_of_an_asker_passes_once(void **state)
{
    for (uint64_t number = 1; number <= 3 * WINDOW_NUMBERS; number++) {
        assert_true(windows_take(*state, 7, number));
        assert_false(windows_take(*state, 7, number));
    }
    assert_true(windows_take(*state, 8, 1));
    assert_false(windows_take(*state, 7, 0));
}

static void what_comes_late_passes_unless_it_is_far_behind(void **state)
{
    assert_true(windows_take(*state, 7, 5000));
    assert_true(windows_take(*state, 7, 5000 - WINDOW_NUMBERS + 1));
    assert_false(windows_take(*state, 7, 5000 - WINDOW_NUMBERS + 1));
    assert_false(windows_take(*state, 7, 5000 - WINDOW_NUMBERS));
    assert_true(windows_take(*state, 7, 4999));
    assert_true(windows_take(*state, 7, 5000 + WINDOW_NUMBERS / 2));
    assert_false(windows_take(*state, 7, 4999));
    assert_true(windows_take(*state, 7, 4998));
}

static void of_too_many_askers_the_one_that_was_silent_longest_is_forgotten(void **state)
{
    for (uint64_t asker = 1; asker <= WINDOW_ASKERS_MAX; asker++)
        assert_true(windows_take(*state, asker, 1));
    assert_true(windows_take(*state, 1, 2)); /* heard again: 2 is the oldest now */
    assert_true(windows_take(*state, WINDOW_ASKERS_MAX + 1, 1));
    assert_false(windows_take(*state, 1, 2));
    assert_false(windows_take(*state, 3, 1));
    assert_true(windows_take(*state, 2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_number_of_an_asker_passes_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_late_passes_unless_it_is_far_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            of_too_many_askers_the_one_that_was_silent_longest_is_forgotten, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
