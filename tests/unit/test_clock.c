#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"

static void times_look_as_the_c_library_says(void **state)
{
    /* odd steps, so that days, months, leap years and centuries all come by */
    for (int64_t seconds = 0; seconds < 253402300800; seconds += 86400LL * 13 + 3607) {
        char expected[40], shown[CLOCK_RFC3339_BYTES];
        const time_t time = seconds;
        struct tm utc;

        gmtime_r(&time, &utc);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.042Z", &utc);
        clock_format(seconds * 1000000 + 42999, shown);
        assert_string_equal(shown, expected);
    }
}

static void a_time_outside_the_calendar_is_shown_as_its_edge(void **state)
{
    char shown[CLOCK_RFC3339_BYTES];
    clock_format(INT64_MIN, shown);
    assert_string_equal(shown, "1970-01-01T00:00:00.000Z");
    clock_format(INT64_MAX, shown);
    assert_string_equal(shown, "9999-12-31T23:59:59.999Z");
}

static void what_is_shown_can_be_read(void **state)
{
    for (int64_t ms = 0; ms < 253402300800000; ms += 86400000LL * 17 + 3607123) {
        char shown[CLOCK_RFC3339_BYTES];
        int64_t us = -1;
        clock_format(ms * 1000, shown);
        assert_true(clock_parse(text(shown), &us));
        assert_int_equal(us, ms * 1000);
    }
}

static void exact_times_are_in_the_order_of_their_texts(void **state)
{
    char before[CLOCK_EXACT_BYTES], after[CLOCK_EXACT_BYTES];
    int64_t us = -1;

    clock_format_exact(1772357472345678, before);
    assert_string_equal(before, "2026-03-01T09:31:12.345678Z");
    assert_true(clock_parse(text(before), &us));
    assert_int_equal(us, 1772357472345678);
    clock_format_exact(us + 1, after);
    assert_true(strcmp(before, after) < 0);
}

static void offsets_and_decimals_are_understood(void **state)
{
    static const struct {
        const char *time;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T01:00:00.5+01:00", 500000},
        {"1969-12-31T23:30:00.000001-00:30", 1},
        {"1970-01-01T00:00:00.123456-00:00", 123456},
        {"2024-02-29T12:00:00Z", 1709208000000000},
        {"1969-12-31T23:59:59Z", -1000000},
        {"2016-12-31T23:59:60Z", 1483228800000000},
        {"2017-01-01T00:59:60+01:00", 1483228800000000},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t us = -42;
        assert_true(clock_parse(text(cases[i].time), &us));
        assert_int_equal(us, cases[i].us);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2024",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00.1234567Z",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T00:00:00ZZ",
        " 2024-01-01T00:00:00Z",
        "+024-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z",
        "2024-01-01T00:00:00+01",
        "20240101T000000Z",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        int64_t us;
        if (clock_parse(text(wrong[i]), &us))
            fail_msg("accepted %s", wrong[i]);
    }
    int64_t us;
    assert_false(clock_parse(text_of("2024-01-01T00:00:00\0Z", 21), &us));
}

static void the_clocks_agree_with_the_system(void **state)
{
    const int64_t before = clock_mono_ns();
    assert_true(clock_wall_us() / 1000000 - time(NULL) <= 1);
    assert_true(clock_mono_ns() >= before);
    assert_true(clock_mono_ms() >= before / 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_look_as_the_c_library_says),
        cmocka_unit_test(a_time_outside_the_calendar_is_shown_as_its_edge),
        cmocka_unit_test(exact_times_are_in_the_order_of_their_texts),
        cmocka_unit_test(what_is_shown_can_be_read),
        cmocka_unit_test(offsets_and_decimals_are_understood),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(the_clocks_agree_with_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
