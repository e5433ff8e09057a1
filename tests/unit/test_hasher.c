#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/hasher.h"
#include "api/counters.h"
#include "api/task.h"
#include "api/worker.h"
#include "base/id.h"

struct fixture {
    struct worker worker;
    struct hasher *hasher; /* one at work, one waiting */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    id_init();
    uv_loop_init(&f->worker.loop);
    f->worker.tasks = task_pool_create(10);
    f->hasher = hasher_create(1, 1, 1, 8);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(uv_loop_close(&f->worker.loop), 0);
    task_pool_destroy(f->worker.tasks);
    hasher_destroy(f->hasher);
    free(f);
    return 0;
}

struct checking {
    struct fixture *f;
    const char *password;
    const char *hash; /* NULL: unknown login */
    char made[HASHER_TEXT_BYTES];
    enum err err;
};

static void hash_task(void *arg)
{
    struct checking *c = arg;
    c->err = hasher_hash(c->f->hasher, &c->f->worker, text(c->password), c->made);
}

static void check_task(void *arg)
{
    struct checking *c = arg;
    c->err = hasher_check(c->f->hasher, &c->f->worker, text(c->password), c->hash);
}

static void run(struct fixture *f, void (*task)(void *arg), struct checking *c)
{
    c->f = f;
    c->err = ERR_INTERNAL;
    assert_int_equal(task_start(f->worker.tasks, task, c), ERR_OK);
}

static enum err check(struct fixture *f, const char *password, const char *hash)
{
    struct checking c = {.password = password, .hash = hash};
    run(f, check_task, &c);
    uv_run(&f->worker.loop, UV_RUN_DEFAULT);
    return c.err;
}

static void only_the_right_password_fits(void **state)
{
    struct fixture *f = *state;
    struct checking c = {.password = "correct horse"};

    run(f, hash_task, &c);
    uv_run(&f->worker.loop, UV_RUN_DEFAULT);
    assert_int_equal(c.err, ERR_OK);
    assert_int_equal(strncmp(c.made, "$argon2id$", 10), 0);
    assert_int_equal(check(f, "correct horse", c.made), ERR_OK);
    assert_int_equal(check(f, "correct hors", c.made), ERR_BAD_CREDENTIALS);
    assert_int_equal(check(f, "", c.made), ERR_BAD_CREDENTIALS);
}

static void an_unknown_login_fails_whatever_the_password(void **state)
{
    assert_int_equal(check(*state, "", NULL), ERR_BAD_CREDENTIALS);
    assert_int_equal(check(*state, "correct horse", NULL), ERR_BAD_CREDENTIALS);
}

static void one_waits_and_more_are_sent_away(void **state)
{
    struct fixture *f = *state;
    struct checking c[3] = {{.password = "a"}, {.password = "b"}, {.password = "c"}};

    for (int i = 0; i < 3; i++)
        run(f, hash_task, &c[i]);
    assert_int_equal(c[2].err, ERR_BUSY);
    assert_int_equal(counter_value(COUNTER_HASH_BUSY), 1);
    uv_run(&f->worker.loop, UV_RUN_DEFAULT);
    assert_int_equal(c[0].err, ERR_OK);
    assert_int_equal(c[1].err, ERR_OK);
    assert_int_equal(check(f, "b", c[1].made), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_right_password_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_login_fails_whatever_the_password, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_waits_and_more_are_sent_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
