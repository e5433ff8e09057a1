#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/task.h"

struct diary { /* what happened, in order */
    char said[64];
    struct task *task;
    struct task_pool *pool;
};

static void say(struct diary *diary, const char *word)
{
    strncat(diary->said, word, sizeof(diary->said) - strlen(diary->said) - 1);
}

static int make_pool(void **state)
{
    *state = task_pool_create(3);
    return 0;
}

static int destroy_pool(void **state)
{
    task_pool_destroy(*state);
    return 0;
}

static void wait_twice(void *arg)
{
    struct diary *diary = arg;
    diary->task = task_self();
    say(diary, "a");
    task_wait();
    say(diary, "b");
    task_wait();
    say(diary, "c");
}

static void a_task_runs_at_once_until_it_waits(void **state)
{
    struct diary diary = {0};

    assert_int_equal(task_start(*state, wait_twice, &diary), ERR_OK);
    assert_string_equal(diary.said, "a");
    task_resume(diary.task);
    assert_string_equal(diary.said, "ab");
    assert_int_equal(task_pool_alive(*state), 1);
    task_resume(diary.task);
    assert_string_equal(diary.said, "abc");
    assert_int_equal(task_pool_alive(*state), 0);
}

static void outside_of_tasks_there_is_no_self(void **state)
{
    struct diary diary = {0};

    assert_null(task_self());
    assert_int_equal(task_start(*state, wait_twice, &diary), ERR_OK);
    assert_null(task_self());
    task_resume(diary.task);
    task_resume(diary.task);
}

static void beyond_the_limit_a_start_is_refused(void **state)
{
    struct diary diaries[4] = {0};

    for (int i = 0; i < 3; i++)
        assert_int_equal(task_start(*state, wait_twice, &diaries[i]), ERR_OK);
    assert_int_equal(task_start(*state, wait_twice, &diaries[3]), ERR_BUSY);
    assert_string_equal(diaries[3].said, "");
    for (int i = 0; i < 3; i++) {
        task_resume(diaries[i].task);
        task_resume(diaries[i].task);
    }
    assert_int_equal(task_start(*state, wait_twice, &diaries[3]), ERR_OK);
    task_resume(diaries[3].task);
    task_resume(diaries[3].task);
}

static void start_another(void *arg)
{
    struct diary *diary = arg;
    struct diary other = {0};

    say(diary, "1");
    assert_int_equal(task_start(diary->pool, wait_twice, &other), ERR_OK);
    assert_string_equal(other.said, "a");
    diary->task = task_self();
    say(diary, "2");
    task_wait();
    diary->task = other.task;
    say(diary, "3");
    task_wait(); /* `other` stands on this stack */
}

/* libh2o may bring the next pipelined request while an answer is being sent from inside a task. */
static void a_task_may_start_another(void **state)
{
    struct diary diary = {.pool = *state};

    assert_int_equal(task_start(*state, start_another, &diary), ERR_OK);
    assert_string_equal(diary.said, "12");
    struct task *outer = diary.task;
    task_resume(outer);
    assert_string_equal(diary.said, "123");
    task_resume(diary.task);
    task_resume(diary.task);
    assert_int_equal(task_pool_alive(*state), 1);
    task_resume(outer);
    assert_int_equal(task_pool_alive(*state), 0);
}

static int fill_stack(int depth)
{
    char place[1024];
    memset(place, depth, sizeof(place));
    const int below = depth > 0 ? fill_stack(depth - 1) : 0;
    return below + place[depth % 1024];
}

static void go_deep(void *arg)
{
    *(int *)arg = fill_stack(20);
}

static void a_stack_holds_a_third_of_its_size_easily(void **state)
{
    int sum = -1;
    assert_int_equal(task_start(*state, go_deep, &sum), ERR_OK);
    assert_int_equal(sum, 20 * 21 / 2);
}

static void stacks_are_used_again(void **state)
{
    for (int i = 0; i < 10000; i++) {
        struct diary diary = {0};
        assert_int_equal(task_start(*state, wait_twice, &diary), ERR_OK);
        task_resume(diary.task);
        task_resume(diary.task);
    }
    assert_int_equal(task_pool_alive(*state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_runs_at_once_until_it_waits, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(outside_of_tasks_there_is_no_self, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(beyond_the_limit_a_start_is_refused, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(a_task_may_start_another, make_pool, destroy_pool),
        cmocka_unit_test_setup_teardown(a_stack_holds_a_third_of_its_size_easily, make_pool,
                                        destroy_pool),
        cmocka_unit_test_setup_teardown(stacks_are_used_again, make_pool, destroy_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
