#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/inbox.h"

#define WRITERS 3
#define ITEMS   20000

static int values[WRITERS][ITEMS];

static void items_come_out_in_order(void **state)
{
    struct inbox *inbox = inbox_create(4);
    void **items;
    assert_int_equal(inbox_push(inbox, &values[0][0]), INBOX_FIRST);
    assert_int_equal(inbox_push(inbox, &values[0][1]), INBOX_MORE);
    assert_int_equal(inbox_take(inbox, &items), 2);
    assert_ptr_equal(items[0], &values[0][0]);
    assert_ptr_equal(items[1], &values[0][1]);
    assert_int_equal(inbox_take(inbox, &items), 0);
    inbox_destroy(inbox);
}

static void taken_items_stay_while_others_arrive(void **state)
{
    struct inbox *inbox = inbox_create(2);
    void **items, **later;
    assert_int_equal(inbox_push(inbox, &values[0][0]), INBOX_FIRST);
    assert_int_equal(inbox_take(inbox, &items), 1);
    assert_int_equal(inbox_push(inbox, &values[0][1]), INBOX_FIRST); /* empty: wake again */
    assert_ptr_equal(items[0], &values[0][0]);
    assert_int_equal(inbox_take(inbox, &later), 1);
    assert_ptr_equal(later[0], &values[0][1]);
    inbox_destroy(inbox);
}

static void a_full_inbox_refuses_and_counts(void **state)
{
    struct inbox *inbox = inbox_create(2);
    void **items;
    assert_int_equal(inbox_push(inbox, &values[0][0]), INBOX_FIRST);
    assert_int_equal(inbox_push(inbox, &values[0][1]), INBOX_MORE);
    assert_int_equal(inbox_push(inbox, &values[0][2]), INBOX_FULL);
    assert_int_equal(inbox_push(inbox, &values[0][3]), INBOX_FULL);
    assert_int_equal(inbox_dropped(inbox), 2);
    assert_int_equal(inbox_take(inbox, &items), 2);
    assert_int_equal(inbox_push(inbox, &values[0][2]), INBOX_FIRST);
    assert_int_equal(inbox_take(inbox, &items), 1);
    inbox_destroy(inbox);
}

struct writer {
    struct inbox *inbox;
    int number;
    pthread_t thread;
};

static void *write_all(void *arg)
{
    struct writer *writer = arg;
    for (int i = 0; i < ITEMS; i++)
        while (inbox_push(writer->inbox, &values[writer->number][i]) == INBOX_FULL)
            sched_yield();
    return NULL;
}

static void each_writers_items_arrive_once_and_in_its_order(void **state)
{
    struct inbox *inbox = inbox_create(64);
    struct writer writers[WRITERS];
    int next[WRITERS] = {0};
    void **items;

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){inbox, i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    for (int left = WRITERS * ITEMS; left > 0;) {
        const size_t count = inbox_take(inbox, &items);
        for (size_t i = 0; i < count; i++) {
            const int place = (int)((int *)items[i] - &values[0][0]);
            assert_int_equal(place % ITEMS, next[place / ITEMS]);
            next[place / ITEMS]++;
        }
        left -= (int)count;
        if (count == 0)
            sched_yield();
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    assert_int_equal(inbox_take(inbox, &items), 0);
    inbox_destroy(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(taken_items_stay_while_others_arrive),
        cmocka_unit_test(a_full_inbox_refuses_and_counts),
        cmocka_unit_test(each_writers_items_arrive_once_and_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
