#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/loop/rate.h"

/* So many of `count` in a row pass, one every `step_ms`. */
static int passed(struct rate *rate, const struct rate_settings *settings, enum command_kind kind,
                  int count, int64_t from_ms, int64_t step_ms)
{
    int passes = 0;

    for (int i = 0; i < count; i++)
        passes += rate_passes(rate, settings, kind, from_ms + i * step_ms);
    return passes;
}

static const struct rate_settings few_publishes = {
    .enabled = true,
    .commands = {[COMMAND_PUBLISH] = {1000, 5}},
};

static void a_whole_bucket_may_come_at_once_and_no_more(void **state)
{
    struct rate *rate = rate_create(&few_publishes);

    assert_int_equal(passed(rate, &few_publishes, COMMAND_PUBLISH, 20, 100000, 0), 5);
    assert_int_equal(passed(rate, &few_publishes, COMMAND_RPC, 20, 100000, 0), 20);
    rate_destroy(rate);
}

static void later_ones_come_at_the_rate(void **state)
{
    struct rate *rate = rate_create(&few_publishes);

    passed(rate, &few_publishes, COMMAND_PUBLISH, 5, 100000, 0);
    assert_int_equal(passed(rate, &few_publishes, COMMAND_PUBLISH, 1, 100199, 0), 0);
    assert_int_equal(passed(rate, &few_publishes, COMMAND_PUBLISH, 2, 100200, 0), 1);
    /* four seconds of ten tries each: five of them pass each second */
    assert_int_equal(passed(rate, &few_publishes, COMMAND_PUBLISH, 40, 100300, 100), 20);
    /* who rests has the bucket again */
    assert_int_equal(passed(rate, &few_publishes, COMMAND_PUBLISH, 9, 120000, 0), 5);
    rate_destroy(rate);
}

static void all_commands_together_count_once_only_when_they_pass(void **state)
{
    const struct rate_settings settings = {
        .enabled = true,
        .commands = {[0] = {1000, 4}, [COMMAND_PUBLISH] = {1000, 2}},
    };
    struct rate *rate = rate_create(&settings);

    assert_int_equal(passed(rate, &settings, COMMAND_PUBLISH, 10, 5000, 0), 2);
    assert_int_equal(passed(rate, &settings, COMMAND_RPC, 10, 5000, 0), 2);
    rate_destroy(rate);
}

static void who_is_not_limited_has_no_rate(void **state)
{
    const struct rate_settings off = {.commands = {[COMMAND_PUBLISH] = {1000, 1}}};

    assert_null(rate_create(&off));
    assert_int_equal(passed(NULL, &off, COMMAND_PUBLISH, 10, 5000, 0), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_bucket_may_come_at_once_and_no_more),
        cmocka_unit_test(later_ones_come_at_the_rate),
        cmocka_unit_test(all_commands_together_count_once_only_when_they_pass),
        cmocka_unit_test(who_is_not_limited_has_no_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
