#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "bus/mailbox.h"

#define POSTERS 4
#define POSTS   5000 /* of each */

struct office {
    uv_loop_t loop;
    struct mailbox *mailbox;
    size_t received;
    uintptr_t last[POSTERS]; /* of each poster */
    bool in_order;
    bool closes_at_first;
};

static void on_item(void *context, void *item)
{
    struct office *office = context;
    const uintptr_t value = (uintptr_t)item, poster = value % POSTERS, number = value / POSTERS;

    office->in_order = office->in_order && number > office->last[poster];
    office->last[poster] = number;
    office->received++;
    if (office->closes_at_first && office->received == 1)
        mailbox_close(office->mailbox);
}

static void office_open(struct office *office, size_t limit)
{
    *office = (struct office){.in_order = true};
    assert_int_equal(uv_loop_init(&office->loop), 0);
    office->mailbox = mailbox_open(&office->loop, limit, on_item, office);
}

static void office_close(struct office *office)
{
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
}

static void *item(uintptr_t number)
{
    return (void *)(number * POSTERS);
}

struct poster {
    struct office *office;
    uintptr_t index;
};

static void *run_poster(void *arg)
{
    const struct poster *poster = arg;

    for (uintptr_t i = 1; i <= POSTS; i++)
        while (!mailbox_post(poster->office->mailbox, (void *)(i * POSTERS + poster->index)))
            sched_yield();
    return NULL;
}

static void what_many_threads_post_arrives_once_and_in_order(void **state)
{
    struct office office;
    pthread_t threads[POSTERS];
    struct poster posters[POSTERS];

    office_open(&office, 64);
    for (uintptr_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&office, i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_poster, &posters[i]), 0);
    }
    while (office.received < POSTERS * POSTS)
        uv_run(&office.loop, UV_RUN_ONCE);
    for (size_t i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    mailbox_close(office.mailbox);
    office_close(&office);
    assert_int_equal(office.received, POSTERS * POSTS);
    assert_true(office.in_order);
}

static void a_full_mailbox_refuses_and_counts(void **state)
{
    struct office office;

    office_open(&office, 2);
    assert_true(mailbox_post(office.mailbox, item(1)));
    assert_true(mailbox_post(office.mailbox, item(2)));
    assert_false(mailbox_post(office.mailbox, item(3)));
    assert_int_equal(mailbox_dropped(office.mailbox), 1);
    uv_run(&office.loop, UV_RUN_ONCE);
    assert_int_equal(office.received, 2);
    assert_true(mailbox_post(office.mailbox, item(4)));
    mailbox_close(office.mailbox);
    office_close(&office);
}

static void closing_delivers_what_waits(void **state)
{
    struct office office;

    office_open(&office, 8);
    assert_true(mailbox_post(office.mailbox, item(1)));
    assert_true(mailbox_post(office.mailbox, item(2)));
    mailbox_close(office.mailbox);
    assert_int_equal(office.received, 2);
    office_close(&office);
}

static void a_mailbox_may_be_closed_by_what_it_delivers(void **state)
{
    struct office office;

    office_open(&office, 8);
    office.closes_at_first = true;
    for (uintptr_t i = 1; i <= 5; i++)
        assert_true(mailbox_post(office.mailbox, item(i)));
    office_close(&office);
    assert_int_equal(office.received, 5);
    assert_true(office.in_order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_many_threads_post_arrives_once_and_in_order),
        cmocka_unit_test(a_full_mailbox_refuses_and_counts),
        cmocka_unit_test(closing_delivers_what_waits),
        cmocka_unit_test(a_mailbox_may_be_closed_by_what_it_delivers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
