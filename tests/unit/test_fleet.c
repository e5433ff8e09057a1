/* The gateways as an API knows them: a worker with its fleet alone, and gateways on a real bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/questions/fleet.h"
#include "base/id.h"
#include "base/log.h"
#include "bus/asker.h"
#include "bus/feed.h"
#include "tests/unit/bus_place.h"

#define GATEWAYS_MAX 3
#define DEADLINE_MS  4000

/* Answers surveys as the test says. */
struct gateway {
    char name[16];
    bool is_silent, cuts;
    size_t bytes; /* of its answers */
};

struct world {
    struct place *place;
    struct app app;
    struct worker worker;
    struct responder *responder;
    struct asker *asker; /* of all gateways */
    struct feed *feed;
    bool heard; /* the publisher was */
    struct gateway gateways[GATEWAYS_MAX];
    size_t surveys;
};

/* What came of a question. */
struct reply {
    size_t count;
    uint32_t error, missing;
    bool temporary, cut;
    size_t answers;
};

/* ---- the API ---- */

struct asked {
    struct worker *worker;
    struct inquiry *inquiry;
    const Bus__Question *question;
};

static void run_survey(void *arg)
{
    const struct asked asked = *(struct asked *)arg;

    free(arg);
    fleet_survey(asked.worker, asked.inquiry, asked.question->survey, asked.question->deadline_ms);
}

static void on_question(void *context, struct inquiry *inquiry, const Bus__Question *question)
{
    struct worker *worker = context;
    struct asked *asked;

    switch (question->ask_case) {
    case BUS__QUESTION__ASK_HELLO:
        fleet_hello(worker, inquiry, question->hello);
        break;
    case BUS__QUESTION__ASK_EMULATION:
        fleet_emulation(worker, inquiry, question->emulation);
        break;
    case BUS__QUESTION__ASK_SURVEY_ANSWER:
        fleet_survey_answer(worker, inquiry, question->survey_answer);
        break;
    default:
        asked = xmalloc(sizeof(*asked));
        *asked = (struct asked){worker, inquiry, question};
        CHECK(task_start(worker->tasks, run_survey, asked) == ERR_OK);
    }
}

/* ---- gateways ---- */

static void on_done(void *context, enum err err, const Bus__Answer *answer)
{
    struct reply *reply = context;

    assert_int_equal(err, ERR_OK);
    reply->count++;
    reply->error = answer->error_code;
    reply->temporary = answer->error_temporary;
    if (answer->told_case != BUS__ANSWER__TOLD_SURVEYED)
        return;
    reply->missing = answer->surveyed->missing;
    reply->cut = answer->surveyed->cut;
    reply->answers = answer->surveyed->n_answers;
}

static void on_confirmed(void *context, enum err err, const Bus__Answer *answer)
{
}

static void answer_survey(struct world *world, const struct gateway *gateway, uint64_t id)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__SurveyAnswer answer = BUS__SURVEY_ANSWER__INIT;
    char *data = xcalloc(1, gateway->bytes + 1);

    answer.id = id;
    answer.node = wire_bytes(text(gateway->name));
    answer.data = wire_bytes(text_of(data, gateway->bytes));
    answer.cut = gateway->cuts;
    question.ask_case = BUS__QUESTION__ASK_SURVEY_ANSWER;
    question.survey_answer = &answer;
    asker_ask(world->asker, 0, &question, DEADLINE_MS, on_confirmed, NULL);
    free(data);
}

static void on_batch(void *context, size_t api, const Bus__Batch *batch)
{
    struct world *world = context;

    for (size_t i = 0; i < batch->n_items; i++) {
        if (batch->items[i]->what_case != BUS__ITEM__WHAT_SURVEY)
            continue;
        world->surveys++;
        for (size_t k = 0; k < GATEWAYS_MAX; k++)
            if (world->gateways[k].name[0] != '\0' && !world->gateways[k].is_silent)
                answer_survey(world, &world->gateways[k], batch->items[i]->survey->id);
    }
}

static void on_hole(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
}

static void on_publisher(void *context, size_t api, uint64_t publisher)
{
    ((struct world *)context)->heard = true;
}

static void on_lost(void *context, size_t api, uint64_t publisher)
{
}

static void say(struct world *world, size_t i, bool leaving)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Hello hello = BUS__HELLO__INIT;
    struct reply reply = {0};

    snprintf(world->gateways[i].name, sizeof(world->gateways[i].name), "gateway %zu", i);
    hello.node = wire_bytes(text(world->gateways[i].name));
    hello.leaving = leaving;
    question.ask_case = BUS__QUESTION__ASK_HELLO;
    question.hello = &hello;
    asker_ask(world->asker, 0, &question, DEADLINE_MS, on_done, &reply);
    TURN_UNTIL(world->place, reply.count == 1);
    assert_int_equal(reply.error, 0);
}

static void say_hello(struct world *world, size_t i)
{
    say(world, i, false);
}

static void ask_survey(struct world *world, struct reply *reply)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Survey survey = BUS__SURVEY__INIT;

    question.ask_case = BUS__QUESTION__ASK_SURVEY;
    question.survey = &survey;
    asker_ask(world->asker, 0, &question, DEADLINE_MS, on_done, reply);
}

static struct reply survey(struct world *world)
{
    struct reply reply = {0};

    ask_survey(world, &reply);
    TURN_UNTIL(world->place, reply.count == 1);
    return reply;
}

static struct reply emulate(struct world *world, const char *node)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Emulation emulation = BUS__EMULATION__INIT;
    struct reply reply = {0};

    emulation.node = wire_bytes(text(node));
    question.ask_case = BUS__QUESTION__ASK_EMULATION;
    question.emulation = &emulation;
    asker_ask(world->asker, 0, &question, DEADLINE_MS, on_done, &reply);
    TURN_UNTIL(world->place, reply.count == 1);
    return reply;
}

/* ---- the world ---- */

static void open_api(struct world *world)
{
    CHECK(publisher_open(&world->app.publisher,
                         &(struct publisher_config){.url = world->place->url[0],
                                                    .heartbeat_ms = 20,
                                                    .queue_limit = 1024,
                                                    .keep_ms = 1000,
                                                    .keep_bytes = 1 << 20}) == ERR_OK);
    world->worker.app = &world->app;
    world->worker.tasks = task_pool_create(4);
    world->worker.fleet = fleet_open(&world->place->loop);
    CHECK(responder_open(&world->responder, &world->place->loop,
                         &(struct responder_config){.url = world->place->url[1], .open_limit = 16},
                         on_question, &world->worker) == ERR_OK);
}

static void open_gateways(struct world *world)
{
    static const struct feed_events events = {on_batch, on_hole, on_publisher, on_lost};
    const char *feed_url = world->place->url[0], *asker_url = world->place->url[1];

    CHECK(feed_open(&world->feed, &world->place->loop,
                    &(struct feed_config){.urls = &feed_url,
                                          .url_count = 1,
                                          .trusts_all = true,
                                          .inbox_limit = 64,
                                          .inbox_bytes = 1 << 20,
                                          .silence_ms = 2000},
                    &events, world) == ERR_OK);
    CHECK(asker_open(&world->asker, &world->place->loop,
                     &(struct asker_config){
                         .urls = &asker_url, .url_count = 1, .try_ms = 3000, .open_limit = 16}) ==
          ERR_OK);
    TURN_UNTIL(world->place, world->heard);
}

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    void *place;

    CHECK(place_setup(&place) == 0);
    world->place = place;
    open_api(world);
    open_gateways(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *place = world->place;

    feed_close(world->feed);
    asker_close(world->asker);
    responder_close(world->responder);
    publisher_close(world->app.publisher);
    fleet_close(world->worker.fleet);
    task_pool_destroy(world->worker.tasks);
    place_rest(world->place, 20);
    free(world);
    return place_teardown(&place);
}

/* All gateways would be known by now. */
static void grow_up(struct world *world)
{
    place_rest(world->place, FLEET_YOUNG_MS + 10);
}

static void the_fleet_is_surveyed_whole(void **state)
{
    struct world *world = *state;

    say_hello(world, 0);
    say_hello(world, 1);
    grow_up(world);
    const struct reply reply = survey(world);
    assert_int_equal(reply.error, 0);
    assert_int_equal(reply.answers, 2);
    assert_int_equal(reply.missing, 0);
    assert_false(reply.cut);
    assert_int_equal(world->surveys, 1);
}

static void a_gateway_that_does_not_answer_in_time_is_counted(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < 3; i++)
        say_hello(world, i);
    world->gateways[1].is_silent = world->gateways[2].is_silent = true;
    grow_up(world);
    const struct reply reply = survey(world);
    assert_int_equal(reply.error, 0);
    assert_int_equal(reply.answers, 1);
    assert_int_equal(reply.missing, 2);
}

static void a_gateway_that_leaves_is_not_waited_for(void **state)
{
    struct world *world = *state;
    struct reply reply = {0};

    say_hello(world, 0);
    say_hello(world, 1);
    world->gateways[1].is_silent = true;
    grow_up(world);
    ask_survey(world, &reply);
    TURN_UNTIL(world->place, world->surveys == 1);
    say(world, 1, true);
    TURN_UNTIL(world->place, reply.count == 1);
    assert_int_equal(reply.answers, 1);
    assert_int_equal(reply.missing, 0);
}

static void an_answer_that_is_cut_is_passed_on_as_such(void **state)
{
    struct world *world = *state;

    say_hello(world, 0);
    say_hello(world, 1);
    world->gateways[1].cuts = true;
    grow_up(world);
    const struct reply reply = survey(world);
    assert_int_equal(reply.answers, 2);
    assert_true(reply.cut);
    assert_int_equal(reply.missing, 0);
}

static void answers_that_do_not_fit_together_are_cut_and_not_missing(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < 3; i++) {
        say_hello(world, i);
        world->gateways[i].bytes = 1 << 20;
    }
    grow_up(world);
    const struct reply reply = survey(world);
    assert_int_equal(reply.error, 0);
    assert_int_equal(reply.answers, 2);
    assert_true(reply.cut);
    assert_int_equal(reply.missing, 0);
}

static void an_api_that_may_not_know_all_gateways_asks_none(void **state)
{
    struct world *world = *state;
    struct reply reply = survey(world);

    assert_int_equal(reply.error, 100);
    assert_true(reply.temporary);
    say_hello(world, 0);
    reply = survey(world);
    assert_int_equal(reply.error, 100);
    assert_int_equal(world->surveys, 0);
    grow_up(world);
    assert_int_equal(survey(world).error, 0);
}

static void a_gateway_is_only_unknown_when_all_would_be_known(void **state)
{
    struct world *world = *state;
    struct reply reply;

    assert_int_equal(emulate(world, "gateway 0").error, 100);
    say_hello(world, 0);
    assert_int_equal(emulate(world, "gateway 0").error, 0);
    reply = emulate(world, "gateway 9");
    assert_int_equal(reply.error, 100);
    assert_true(reply.temporary);
    grow_up(world);
    assert_int_equal(emulate(world, "gateway 0").error, 0);
    reply = emulate(world, "gateway 9");
    assert_int_equal(reply.error, 108);
    assert_false(reply.temporary);
}

#define FLEET_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(the_fleet_is_surveyed_whole),
        FLEET_TEST(a_gateway_that_does_not_answer_in_time_is_counted),
        FLEET_TEST(a_gateway_that_leaves_is_not_waited_for),
        FLEET_TEST(an_answer_that_is_cut_is_passed_on_as_such),
        FLEET_TEST(answers_that_do_not_fit_together_are_cut_and_not_missing),
        FLEET_TEST(an_api_that_may_not_know_all_gateways_asks_none),
        FLEET_TEST(a_gateway_is_only_unknown_when_all_would_be_known),
    };

    id_init();
    log_init("test_fleet", LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
