#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/counters.h"
#include "api/request/buckets.h"

#define SECOND INT64_C(1000000)

/* One a second, three at once. */
static const struct bucket_rate rate = {SECOND, 3 * SECOND};

static void take(struct buckets *buckets, uint64_t name, int64_t now_us)
{
    assert_int_equal(buckets_wait_us(buckets, name, rate, now_us), 0);
    buckets_set(buckets, name, buckets_used_us(buckets, name, now_us) + rate.interval_us, now_us);
}

static void a_burst_is_allowed_and_then_one_each_interval(void **state)
{
    struct buckets *buckets = buckets_create(8);

    for (int i = 0; i < 3; i++)
        take(buckets, 7, 100);
    assert_int_equal(buckets_wait_us(buckets, 7, rate, 100), SECOND);
    assert_int_equal(buckets_wait_us(buckets, 7, rate, 100 + SECOND / 2), SECOND / 2);
    take(buckets, 7, 100 + SECOND);
    assert_int_equal(buckets_wait_us(buckets, 7, rate, 100 + SECOND), SECOND);
    buckets_destroy(buckets);
}

static void one_name_does_not_use_up_what_another_has(void **state)
{
    struct buckets *buckets = buckets_create(8);

    for (int i = 0; i < 3; i++)
        take(buckets, 7, 0);
    take(buckets, 8, 0);
    assert_int_equal(buckets_used_us(buckets, 7, 0), 3 * SECOND);
    assert_int_equal(buckets_used_us(buckets, 8, 0), SECOND);
    buckets_destroy(buckets);
}

static void a_bucket_that_is_full_again_gives_its_place_away(void **state)
{
    const uint64_t before = counter_value(COUNTER_LIMITS_FORGOTTEN);
    struct buckets *buckets = buckets_create(8);

    for (uint64_t name = 1; name <= 8; name++)
        take(buckets, name, 0);
    for (uint64_t name = 11; name <= 18; name++)
        take(buckets, name, SECOND);
    assert_int_equal(counter_value(COUNTER_LIMITS_FORGOTTEN), before);
    for (uint64_t name = 11; name <= 18; name++)
        assert_int_equal(buckets_used_us(buckets, name, SECOND), SECOND);
    buckets_destroy(buckets);
}

static void without_room_the_fullest_is_forgotten_and_counted(void **state)
{
    const uint64_t before = counter_value(COUNTER_LIMITS_FORGOTTEN);
    struct buckets *buckets = buckets_create(8);

    for (uint64_t name = 1; name <= 8; name++)
        buckets_set(buckets, name, (int64_t)name * SECOND, 0);
    take(buckets, 9, 0);
    assert_int_equal(counter_value(COUNTER_LIMITS_FORGOTTEN), before + 1);
    assert_int_equal(buckets_used_us(buckets, 1, 0), 0);
    assert_int_equal(buckets_used_us(buckets, 8, 0), 8 * SECOND);
    assert_int_equal(buckets_used_us(buckets, 9, 0), SECOND);
    buckets_destroy(buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_one_each_interval),
        cmocka_unit_test(one_name_does_not_use_up_what_another_has),
        cmocka_unit_test(a_bucket_that_is_full_again_gives_its_place_away),
        cmocka_unit_test(without_room_the_fullest_is_forgotten_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
