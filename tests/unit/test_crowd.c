#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/base.h"
#include "gateway/loop/crowd.h"

#define NOW 5000

static void a_user_has_so_many_connections_and_no_more(void **state)
{
    struct settings settings = {.client.user_connection_limit = 2};
    struct crowd *crowd = crowd_create(&settings);
    struct crowd_member *first = crowd_enter(crowd, TEXT("ada"), NOW);

    assert_non_null(first);
    assert_ptr_equal(crowd_enter(crowd, TEXT("ada"), NOW), first);
    assert_null(crowd_enter(crowd, TEXT("ada"), NOW));
    struct crowd_member *other = crowd_enter(crowd, TEXT("bob"), NOW);
    assert_non_null(other);
    crowd_leave(crowd, first, NOW);
    assert_ptr_equal(crowd_enter(crowd, TEXT("ada"), NOW), first);
    crowd_leave(crowd, first, NOW);
    crowd_leave(crowd, first, NOW);
    crowd_leave(crowd, other, NOW);
    crowd_destroy(crowd);
}

static void the_connections_of_a_user_share_a_rate(void **state)
{
    struct settings settings = {
        .client.user_rate = {.enabled = true, .commands = {[COMMAND_RPC] = {1000, 3}}},
    };
    struct crowd *crowd = crowd_create(&settings);
    struct crowd_member *ada = crowd_enter(crowd, TEXT("ada"), NOW), *bob = crowd_enter(crowd, TEXT("bob"), NOW);

    for (int i = 0; i < 3; i++)
        assert_true(crowd_passes(crowd, ada, COMMAND_RPC, NOW));
    assert_false(crowd_passes(crowd, ada, COMMAND_RPC, NOW));
    assert_true(crowd_passes(crowd, ada, COMMAND_PUBLISH, NOW));
    assert_true(crowd_passes(crowd, bob, COMMAND_RPC, NOW));
    crowd_leave(crowd, ada, NOW);
    crowd_leave(crowd, bob, NOW);
    crowd_destroy(crowd);
}

static void who_leaves_and_comes_back_has_no_new_rate_until_the_old_one_rests(void **state)
{
    struct settings settings = {
        .client.user_rate = {.enabled = true, .commands = {[COMMAND_RPC] = {1000, 3}}},
    };
    struct crowd *crowd = crowd_create(&settings);
    struct crowd_member *ada = crowd_enter(crowd, TEXT("ada"), NOW);

    for (int i = 0; i < 3; i++)
        assert_true(crowd_passes(crowd, ada, COMMAND_RPC, NOW));
    crowd_leave(crowd, ada, NOW);
    for (int i = 0; i < 10; i++) { /* others come and go meanwhile */
        struct crowd_member *other = crowd_enter(crowd, TEXT("bob"), NOW);
        assert_true(crowd_passes(crowd, other, COMMAND_RPC, NOW) || i >= 3);
        crowd_leave(crowd, other, NOW);
    }
    ada = crowd_enter(crowd, TEXT("ada"), NOW);
    assert_false(crowd_passes(crowd, ada, COMMAND_RPC, NOW));
    crowd_leave(crowd, ada, NOW);
    ada = crowd_enter(crowd, TEXT("ada"), NOW + 1000);
    assert_true(crowd_passes(crowd, ada, COMMAND_RPC, NOW + 1000));
    crowd_leave(crowd, ada, NOW + 1000);
    crowd_destroy(crowd);
}

static void without_limits_there_is_none(void **state)
{
    struct settings settings = {0};

    assert_null(crowd_create(&settings));
    crowd_destroy(NULL);
}

#define THREADS 4
#define ROUNDS  20000

static void *come_and_go(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct crowd_member *member = crowd_enter(crowd, TEXT("ada"), NOW);
        if (member != NULL)
            crowd_leave(crowd, member, NOW);
    }
    return NULL;
}

static void many_threads_may_come_and_go(void **state)
{
    struct settings settings = {.client.user_connection_limit = THREADS - 1};
    struct crowd *crowd = crowd_create(&settings);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, come_and_go, crowd) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    crowd_destroy(crowd); /* which wants everybody to have left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_so_many_connections_and_no_more),
        cmocka_unit_test(the_connections_of_a_user_share_a_rate),
        cmocka_unit_test(who_leaves_and_comes_back_has_no_new_rate_until_the_old_one_rests),
        cmocka_unit_test(without_limits_there_is_none),
        cmocka_unit_test(many_threads_may_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
