#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/flights.h"
#include "api/task.h"

#define ASKERS_MAX 64

/* Askers of one key each; a pilot waits in the air until the test lets him land. */
struct world {
    uv_loop_t loop;
    struct task_pool *tasks;
    struct flights *flights;
    struct asker {
        struct world *world;
        const char *key;
        bool is_pilot, flies, is_done;
        struct task *task;
        size_t aboard; /* seen by the pilot */
        enum err err;
        int answer;
    } askers[ASKERS_MAX];
    int count;
    int answers_alive;
    enum err outcome;
};

struct answer {
    struct world *world;
    int by;
};

static void free_answer(void *arg)
{
    struct answer *answer = arg;
    answer->world->answers_alive--;
    free(answer);
}

static void ask(void *arg)
{
    struct asker *asker = arg;
    struct world *world = asker->world;
    const int number = (int)(asker - world->askers);
    struct flight *flight = flights_board(world->flights, text(asker->key), number, &asker->is_pilot);
    void *answer;

    if (asker->is_pilot) {
        (void)flight_passengers(flight, &asker->aboard);
        asker->task = task_self();
        asker->flies = true;
        task_wait();
        asker->flies = false;
        struct answer *made = xcalloc(1, sizeof(*made));
        *made = (struct answer){world, number};
        world->answers_alive++;
        flight_land(flight, world->outcome, made, free_answer);
    }
    asker->err = flight_answer(flight, &answer);
    asker->answer = ((struct answer *)answer)->by;
    flight_leave(flight);
    asker->is_done = true;
}

static struct asker *start(struct world *world, const char *key)
{
    struct asker *asker = &world->askers[world->count++];

    *asker = (struct asker){.world = world, .key = key};
    assert_int_equal(task_start(world->tasks, ask, asker), ERR_OK);
    return asker;
}

static void turn(struct world *world)
{
    uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void land(struct asker *pilot)
{
    assert_true(pilot->flies);
    task_resume(pilot->task);
    turn(pilot->world);
}

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    assert_int_equal(uv_loop_init(&world->loop), 0);
    world->tasks = task_pool_create(ASKERS_MAX);
    world->flights = flights_open(&world->loop);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    flights_close(world->flights);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    task_pool_destroy(world->tasks);
    assert_int_equal(world->answers_alive, 0);
    free(world);
    return 0;
}

static void all_who_ask_in_one_turn_share_one_answer(void **state)
{
    struct world *world = *state;
    struct asker *first = start(world, "tea");

    for (int i = 0; i < 40; i++)
        start(world, "tea");
    assert_false(first->flies); /* nobody is asked for before the turn ends */
    turn(world);
    assert_int_equal(first->aboard, 41);
    land(first);
    for (int i = 0; i < world->count; i++) {
        assert_true(world->askers[i].is_done);
        assert_int_equal(world->askers[i].answer, 0);
        assert_int_equal(world->askers[i].is_pilot, i == 0);
    }
}

static void who_comes_while_a_question_is_under_way_gets_the_answer_of_a_later_one(void **state)
{
    struct world *world = *state;
    struct asker *first = start(world, "tea");
    turn(world);
    struct asker *second = start(world, "tea"), *third = start(world, "tea");

    turn(world);
    assert_false(second->flies); /* one at a time */
    land(first);
    assert_true(first->is_done);
    assert_true(second->flies);
    assert_int_equal(second->aboard, 2);
    assert_false(third->is_done);
    land(second);
    assert_true(third->is_done);
    assert_int_equal(third->answer, 1);
}

static void who_comes_between_the_landing_and_the_end_of_its_turn_boards_the_next_one(void **state)
{
    struct world *world = *state;
    struct asker *first = start(world, "tea");

    turn(world);
    task_resume(first->task); /* landed, and the loop does not know yet */
    struct asker *second = start(world, "tea");
    turn(world);
    land(second);
    assert_int_equal(second->answer, 1);
}

static void different_questions_fly_side_by_side(void **state)
{
    struct world *world = *state;
    struct asker *tea = start(world, "tea"), *kettle = start(world, "kettle");

    turn(world);
    assert_true(tea->flies && kettle->flies);
    land(kettle);
    assert_true(kettle->is_done);
    assert_false(tea->is_done);
    land(tea);
    assert_int_equal(tea->answer, 0);
}

static void a_failure_is_everybodys(void **state)
{
    struct world *world = *state;
    struct asker *first = start(world, "tea"), *second = start(world, "tea");

    world->outcome = ERR_UNAVAILABLE;
    turn(world);
    land(first);
    assert_int_equal(first->err, ERR_UNAVAILABLE);
    assert_int_equal(second->err, ERR_UNAVAILABLE);
}

static void pause_once(void *arg)
{
    struct asker *asker = arg;

    flights_pause(asker->world->flights);
    asker->is_done = true;
}

static void a_pause_ends(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 3; i++) {
        world->askers[i].world = world;
        assert_int_equal(task_start(world->tasks, pause_once, &world->askers[i]), ERR_OK);
        assert_false(world->askers[i].is_done);
    }
    uv_run(&world->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 3; i++)
        assert_true(world->askers[i].is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_who_ask_in_one_turn_share_one_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_while_a_question_is_under_way_gets_the_answer_of_a_later_one, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_between_the_landing_and_the_end_of_its_turn_boards_the_next_one, setup, teardown),
        cmocka_unit_test_setup_teardown(different_questions_fly_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_everybodys, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pause_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
