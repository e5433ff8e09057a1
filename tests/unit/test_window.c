#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/id.h"
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

static void with_too_many_askers_the_list_begins_anew_under_another_name(void **state)
{
    const uint64_t name = windows_name(*state);

    for (uint64_t asker = 1; asker <= WINDOW_ASKERS_MAX; asker++)
        assert_true(windows_take(*state, asker, 1));
    assert_false(windows_take(*state, 1, 1));
    assert_int_equal(windows_name(*state), name);
    assert_true(windows_take(*state, WINDOW_ASKERS_MAX + 1, 1));
    assert_int_not_equal(windows_name(*state), name); /* what was recorded before names the old one */
    assert_false(windows_take(*state, WINDOW_ASKERS_MAX + 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_number_of_an_asker_passes_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_late_passes_unless_it_is_far_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            with_too_many_askers_the_list_begins_anew_under_another_name, setup, teardown),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
