#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/broker/memory/idempotency.h"

#define NOW 1000
#define TTL 300

static void add(struct idempotency *idempotency, const char *channel, const char *key,
                uint64_t position, int64_t now_ms)
{
    idempotency_add(idempotency, text(channel), text(key),
                    &(struct idempotency_answer){position, TEXT("hVbKqLpw")}, now_ms);
}

/* 0: not known. */
static uint64_t find(const struct idempotency *idempotency, const char *channel, const char *key)
{
    struct idempotency_answer answer;

    if (!idempotency_find(idempotency, text(channel), text(key), &answer))
        return 0;
    assert_true(text_equal(answer.epoch, TEXT("hVbKqLpw")));
    return answer.position;
}

static void an_answer_is_found_by_its_channel_and_key(void **state)
{
    struct idempotency idempotency;

    idempotency_init(&idempotency, TTL, IDEMPOTENCY_MAX_BYTES);
    assert_int_equal(find(&idempotency, "ab", "c"), 0);
    add(&idempotency, "ab", "c", 1, NOW);
    add(&idempotency, "a", "bc", 2, NOW);
    assert_int_equal(find(&idempotency, "ab", "c"), 1);
    assert_int_equal(find(&idempotency, "a", "bc"), 2);
    assert_int_equal(find(&idempotency, "a", "b"), 0);
    idempotency_fini(&idempotency);
}

static void an_answer_is_forgotten_when_its_time_has_passed(void **state)
{
    struct idempotency idempotency;

    idempotency_init(&idempotency, TTL, IDEMPOTENCY_MAX_BYTES);
    add(&idempotency, "a", "old", 1, NOW);
    add(&idempotency, "a", "new", 2, NOW + 1);
    idempotency_expire(&idempotency, NOW + TTL - 1);
    assert_int_equal(find(&idempotency, "a", "old"), 1);
    idempotency_expire(&idempotency, NOW + TTL);
    assert_int_equal(find(&idempotency, "a", "old"), 0);
    assert_int_equal(find(&idempotency, "a", "new"), 2);
    idempotency_fini(&idempotency);
}

static void over_the_bound_the_oldest_answer_goes(void **state)
{
    struct idempotency idempotency;

    idempotency_init(&idempotency, TTL, IDEMPOTENCY_MAX_BYTES);
    add(&idempotency, "a", "1", 1, NOW);
    add(&idempotency, "a", "2", 2, NOW);
    idempotency.max_bytes = idempotency.bytes;
    add(&idempotency, "a", "3", 3, NOW);
    assert_int_equal(find(&idempotency, "a", "1"), 0);
    assert_int_equal(find(&idempotency, "a", "2"), 2);
    assert_int_equal(find(&idempotency, "a", "3"), 3);
    idempotency_fini(&idempotency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_found_by_its_channel_and_key),
        cmocka_unit_test(an_answer_is_forgotten_when_its_time_has_passed),
        cmocka_unit_test(over_the_bound_the_oldest_answer_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
