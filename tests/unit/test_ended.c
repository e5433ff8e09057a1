#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/ended.h"

#define SECOND INT64_C(1000)

static int make(void **state)
{
    *state = ended_create();
    return 0;
}

static int destroy(void **state)
{
    ended_destroy(*state);
    return 0;
}

static void a_session_is_known_once_it_ended(void **state)
{
    assert_false(ended_contains(*state, 7));
    ended_add(*state, 7, 1, 100 * SECOND);
    assert_true(ended_contains(*state, 7));
    assert_false(ended_contains(*state, 8));
}

static void the_last_number_never_goes_back(void **state)
{
    assert_int_equal(ended_last_number(*state), 0);
    ended_add(*state, 7, 5, SECOND);
    ended_add(*state, 8, 3, SECOND);
    ended_add(*state, 7, 5, SECOND);
    assert_int_equal(ended_last_number(*state), 5);
}

static void only_old_ones_are_forgotten(void **state)
{
    ended_add(*state, 7, 1, 100 * SECOND);
    ended_add(*state, 8, 2, 200 * SECOND);
    ended_prune(*state, 250 * SECOND, 100);
    assert_false(ended_contains(*state, 7));
    assert_true(ended_contains(*state, 8));
    assert_int_equal(ended_last_number(*state), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_known_once_it_ended, make, destroy),
        cmocka_unit_test_setup_teardown(the_last_number_never_goes_back, make, destroy),
        cmocka_unit_test_setup_teardown(only_old_ones_are_forgotten, make, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
