#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/base.h"
#include "gateway/loop/wheel.h"

struct fixture {
    struct wheel wheel;
    int64_t now_ms;
    int count;
};

static void on_due(void *context, struct wheel_node *node)
{
    struct fixture *fixture = context;

    assert_true(node->due_ms <= fixture->now_ms);
    assert_true(node->due_ms > fixture->now_ms - 3 * WHEEL_TICK_MS);
    fixture->count++;
}

static void turn_until(struct fixture *fixture, int64_t until_ms)
{
    for (; fixture->now_ms <= until_ms; fixture->now_ms += WHEEL_TICK_MS)
        wheel_turn(&fixture->wheel, fixture->now_ms, on_due, fixture);
}

static struct fixture *start(void)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));

    fixture->now_ms = 1234567;
    wheel_init(&fixture->wheel, fixture->now_ms);
    return fixture;
}

static void each_is_due_once_soon_after_its_time(void **state)
{
    struct fixture *fixture = start();
    struct wheel_node nodes[300] = {0};

    for (int i = 0; i < 300; i++) /* some of them more than a turn of the wheel away */
        wheel_arm(&fixture->wheel, &nodes[i], fixture->now_ms + i * 617);
    turn_until(fixture, fixture->now_ms + 300 * 617 + 200);
    assert_int_equal(fixture->count, 300);
    free(fixture);
}

static void who_is_disarmed_or_moved_is_not_due(void **state)
{
    struct fixture *fixture = start();
    struct wheel_node gone = {0}, moved = {0};

    wheel_arm(&fixture->wheel, &gone, fixture->now_ms + 100);
    wheel_arm(&fixture->wheel, &moved, fixture->now_ms + 100);
    wheel_disarm(&gone);
    wheel_disarm(&gone);
    wheel_arm(&fixture->wheel, &moved, fixture->now_ms + 1000);
    turn_until(fixture, fixture->now_ms + 500);
    assert_int_equal(fixture->count, 0);
    turn_until(fixture, fixture->now_ms + 800);
    assert_int_equal(fixture->count, 1);
    free(fixture);
}

static void nobody_is_forgotten_while_the_loop_slept(void **state)
{
    struct fixture *fixture = start();
    struct wheel_node nodes[2] = {0};
    const int64_t asleep_ms = WHEEL_SLOTS * WHEEL_TICK_MS * 3;

    wheel_arm(&fixture->wheel, &nodes[0], fixture->now_ms + asleep_ms - 10);
    wheel_arm(&fixture->wheel, &nodes[1], fixture->now_ms + asleep_ms - WHEEL_TICK_MS);
    fixture->now_ms += asleep_ms;
    wheel_turn(&fixture->wheel, fixture->now_ms, on_due, fixture);
    fixture->now_ms += WHEEL_TICK_MS;
    wheel_turn(&fixture->wheel, fixture->now_ms, on_due, fixture);
    assert_int_equal(fixture->count, 2);
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_due_once_soon_after_its_time),
        cmocka_unit_test(who_is_disarmed_or_moved_is_not_due),
        cmocka_unit_test(nobody_is_forgotten_while_the_loop_slept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
