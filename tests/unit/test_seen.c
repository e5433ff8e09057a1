#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/loop/seen.h"

static void the_last_time_counts(void **state)
{
    struct seen seen = {0};

    assert_int_equal(seen_when(&seen, TEXT("ada")), 0);
    seen_note(&seen, TEXT("ada"), 100);
    seen_note(&seen, TEXT("bob"), 150);
    seen_note(&seen, TEXT("ada"), 200);
    assert_int_equal(seen_when(&seen, TEXT("ada")), 200);
    assert_int_equal(seen_when(&seen, TEXT("bob")), 150);
    assert_int_equal(seen_when(&seen, TEXT("a")), 0);
    seen_fini(&seen);
}

static void of_too_many_who_was_seen_longest_ago_is_forgotten(void **state)
{
    struct seen seen = {0};
    char name[32];

    for (int i = 0; i < SEEN_USERS_MAX; i++) {
        snprintf(name, sizeof(name), "user %d", i);
        seen_note(&seen, text(name), 1 + i);
    }
    seen_note(&seen, TEXT("user 0"), SEEN_USERS_MAX + 1);
    seen_note(&seen, TEXT("one more"), SEEN_USERS_MAX + 2);
    assert_int_equal(seen_when(&seen, TEXT("user 0")), SEEN_USERS_MAX + 1);
    assert_int_equal(seen_when(&seen, TEXT("user 1")), 0);
    assert_int_equal(seen_when(&seen, TEXT("user 2")), 3);
    seen_fini(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_time_counts),
        cmocka_unit_test(of_too_many_who_was_seen_longest_ago_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
