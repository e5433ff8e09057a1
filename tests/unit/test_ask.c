/* The four ends of the bus over real sockets: asker and responder. Events are in test_bus.c, strangers in test_ask_strangers.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/asking.h"

static void a_question_is_answered(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0}, refusal = {0};
    struct asker *asker = asker_of(place, 1, "key", 16); /* the order of starting does not matter */

    api_open(&api, place, place->url[0], "key", 16);
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    assert_int_equal(reply.count, 0);
    TURN_UNTIL(place, reply.count == 1);
    assert_string_equal(reply.data, "tea");

    Bus__Question question = BUS__QUESTION__INIT;
    asker_ask(asker, 0, &question, 2000, on_done, &refusal);
    TURN_UNTIL(place, refusal.count == 1);
    assert_int_equal(refusal.error_code, 104);
    asker_close(asker);
    responder_close(api.responder);
}

static void many_questions_are_open_at_once(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 4096);

    api_open(&api, place, place->url[0], "key", 64);
    for (int i = 0; i < 2000; i++)
        ask(asker, ASKER_ANY, "tea", 5000, &reply);
    TURN_UNTIL(place, reply.count == 2000);
    assert_int_equal(reply.ok, 2000);
    asker_close(asker);
    responder_close(api.responder);
}

static void questions_beyond_an_apis_places_wait_for_one(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 16);

    api_open(&api, place, place->url[0], "key", 2);
    api.keeps = true;
    for (int i = 0; i < 3; i++)
        ask(asker, ASKER_ANY, "tea", 5000, &reply);
    TURN_UNTIL(place, api.asked == 2);
    assert_int_equal(api.full, 1);
    place_rest(place, 50);
    assert_int_equal(api.asked, 2);
    answer(&api, api.kept[0], TEXT("tea"));
    TURN_UNTIL(place, api.asked == 3);
    assert_int_equal(api.full, 2);
    answer(&api, api.kept[1], TEXT("tea"));
    answer(&api, api.kept[2], TEXT("tea"));
    TURN_UNTIL(place, reply.ok == 3);
    asker_close(asker);
    responder_close(api.responder);
}

static void a_silent_api_is_skipped(void **state)
{
    struct place *place = *state;
    struct api silent, api;
    struct reply first = {0}, second = {0};
    struct asker *asker = asker_of(place, 2, "key", 16);

    api_open(&silent, place, place->url[0], "key", 16);
    silent.keeps = true;
    api_open(&api, place, place->url[1], "key", 16);
    TURN_UNTIL(place, connected == 2);
    const int64_t start_ms = clock_mono_ms();
    ask(asker, ASKER_ANY, "tea", 3000, &first);
    TURN_UNTIL(place, first.count == 1);
    assert_int_equal(first.ok, 1);
    assert_in_range(first.at_ms - start_ms, TRY_MS - 20, TRY_MS + SLACK_MS);
    assert_int_equal(silent.asked, 1);

    ask(asker, ASKER_ANY, "more tea", 3000, &second); /* goes where an answer came from */
    TURN_UNTIL(place, second.count == 1);
    assert_int_equal(silent.asked, 1);
    assert_int_equal(api.asked, 2);

    answer(&silent, silent.kept[0], TEXT("too late"));
    place_rest(place, 50);
    assert_int_equal(first.count, 1);
    asker_close(asker);
    responder_close(silent.responder);
    responder_close(api.responder);
}

static void a_slow_answer_still_counts_after_the_next_was_asked(void **state)
{
    struct place *place = *state;
    struct api slow, silent;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 2, "key", 16);

    api_open(&slow, place, place->url[0], "key", 16);
    api_open(&silent, place, place->url[1], "key", 16);
    slow.keeps = silent.keeps = true;
    TURN_UNTIL(place, connected == 2);
    ask(asker, ASKER_ANY, "tea", 3000, &reply);
    TURN_UNTIL(place, slow.asked == 1 && silent.asked == 1);
    answer(&slow, slow.kept[0], TEXT("slow tea"));
    TURN_UNTIL(place, reply.count == 1);
    assert_string_equal(reply.data, "slow tea");
    asker_close(asker);
    responder_close(slow.responder);
    responder_close(silent.responder);
    inquiry_refuse(silent.kept[0], 100, "closed meanwhile", true);
}

/* Two APIs that are connected, and nobody at the third address. */
static struct asker *asker_of_two(struct place *place, struct api *first, struct api *second)
{
    struct asker *asker = asker_of(place, 3, "key", 16);

    api_open(first, place, place->url[0], "key", 16);
    api_open(second, place, place->url[1], "key", 16);
    TURN_UNTIL(place, connected == 2);
    return asker;
}

static void close_two(struct asker *asker, struct api *first, struct api *second)
{
    asker_close(asker);
    responder_close(first->responder);
    responder_close(second->responder);
}

static void what_one_api_cannot_answer_is_asked_elsewhere_at_once(void **state)
{
    struct place *place = *state;
    struct api unable, api;
    struct reply first = {0}, second = {0};
    struct asker *asker = asker_of_two(place, &unable, &api);

    unable.refuses = true;
    unable.error = 100;
    const int64_t start_ms = clock_mono_ms();
    ask(asker, ASKER_ANY, "tea", 3000, &first);
    TURN_UNTIL(place, first.count == 1);
    assert_string_equal(first.data, "tea");
    assert_int_equal(first.error_code, 0);
    assert_in_range(first.at_ms - start_ms, 0, TRY_MS - 20);
    ask(asker, ASKER_ANY, "tea", 3000, &second); /* whoever answered is preferred */
    TURN_UNTIL(place, second.count == 1);
    assert_int_equal(unable.asked, 1);
    assert_int_equal(api.asked, 2);
    close_two(asker, &unable, &api);
}

static void a_refusal_of_all_apis_is_the_answer_without_waiting(void **state)
{
    struct place *place = *state;
    struct api first, second;
    struct reply reply = {0};
    struct asker *asker = asker_of_two(place, &first, &second);

    first.refuses = second.refuses = true;
    first.error = 106;
    second.error = 100;
    const int64_t start_ms = clock_mono_ms();
    ask(asker, ASKER_ANY, "tea", 3000, &reply);
    TURN_UNTIL(place, reply.count == 1);
    assert_int_equal(reply.ok, 1);
    assert_int_equal(reply.error_code, 100); /* what the last one said */
    assert_true(reply.temporary);
    assert_int_equal(first.asked + second.asked, 2);
    assert_in_range(reply.at_ms - start_ms, 0, TRY_MS - 20);
    place_rest(place, TRY_MS + 50);
    assert_int_equal(reply.count, 1);
    close_two(asker, &first, &second);
}

static void a_refusal_of_the_only_api_asked_is_the_answer(void **state)
{
    struct place *place = *state;
    struct api unable, api;
    struct reply reply = {0};
    struct asker *asker = asker_of_two(place, &unable, &api);

    unable.refuses = true;
    unable.error = 100;
    ask(asker, 0, "tea", 3000, &reply);
    TURN_UNTIL(place, reply.count == 1);
    assert_int_equal(reply.error_code, 100);
    assert_int_equal(api.asked, 0);
    close_two(asker, &unable, &api);
}

static void a_refusal_waits_for_apis_that_may_still_answer(void **state)
{
    struct place *place = *state;
    struct api unable, slow;
    struct reply answered = {0}, late = {0}, left = {0};
    struct asker *asker = asker_of_two(place, &unable, &slow);

    unable.refuses = slow.keeps = true;
    unable.error = 100;
    ask(asker, ASKER_ANY, "tea", 3000, &answered);
    TURN_UNTIL(place, slow.asked == 1);
    place_rest(place, 50);
    assert_int_equal(answered.count, 0);
    answer(&slow, slow.kept[0], TEXT("slow tea"));
    TURN_UNTIL(place, answered.count == 1);
    assert_string_equal(answered.data, "slow tea");

    ask(asker, ASKER_ANY, "tea", TRY_MS * 2, &late); /* asks the slow one first, that is preferred */
    TURN_UNTIL(place, late.count == 1);
    assert_int_equal(late.ok, 1); /* the deadline came, and a refusal is better than nothing */
    assert_int_equal(late.error_code, 100);

    const size_t asked = slow.asked;
    ask(asker, ASKER_ANY, "tea", 4000, &left);
    TURN_UNTIL(place, slow.asked > asked && unable.asked == 3);
    responder_close(slow.responder);
    TURN_UNTIL(place, left.count == 1);
    assert_int_equal(left.error_code, 100);
    asker_close(asker);
    responder_close(unable.responder);
    for (size_t i = 1; i < slow.kept_count; i++)
        inquiry_refuse(slow.kept[i], 100, "closed meanwhile", true);
}

static void a_dead_api_costs_no_time(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 2, "key", 16);

    api_open(&api, place, place->url[1], "key", 16);
    TURN_UNTIL(place, connected == 1);
    const int64_t start_ms = clock_mono_ms();
    ask(asker, ASKER_ANY, "tea", 3000, &reply);
    TURN_UNTIL(place, reply.count == 1);
    assert_in_range(reply.at_ms - start_ms, 0, TRY_MS - 20);
    asker_close(asker);
    responder_close(api.responder);
}

static void questions_leave_an_api_that_goes_away(void **state)
{
    struct place *place = *state;
    struct api dying, api;
    struct reply reply = {0};
    const char *url = place->url[1];
    struct asker *asker = asker_of(place, 2, "key", 16);

    api_open(&dying, place, place->url[0], "key", 16);
    dying.keeps = true;
    api_open(&api, place, url, "key", 16);
    TURN_UNTIL(place, connected == 2);
    ask(asker, ASKER_ANY, "tea", 3000, &reply);
    TURN_UNTIL(place, dying.asked == 1);
    responder_close(dying.responder);
    inquiry_refuse(dying.kept[0], 100, "too late", true);
    TURN_UNTIL(place, reply.count == 1);
    assert_int_equal(reply.ok, 1);
    assert_int_equal(api.asked, 1);
    asker_close(asker);
    responder_close(api.responder);
}

static void an_api_that_comes_back_gets_the_question_again(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 16);

    api_open(&api, place, place->url[0], "key", 16);
    api.keeps = true;
    ask(asker, ASKER_ANY, "tea", 4000, &reply);
    TURN_UNTIL(place, api.asked == 1);
    struct inquiry *lost = api.kept[0];
    responder_close(api.responder);
    inquiry_refuse(lost, 100, "too late", true);
    api_open(&api, place, place->url[0], "key", 16);
    TURN_UNTIL(place, reply.count == 1);
    assert_string_equal(reply.data, "tea");
    asker_close(asker);
    responder_close(api.responder);
}

static void a_deadline_holds(void **state)
{
    struct place *place = *state;
    struct api silent;
    struct reply unheard = {0}, unanswered = {0}, one = {0};
    struct asker *asker = asker_of(place, 2, "key", 16);

    api_open(&silent, place, place->url[0], "key", 16);
    silent.keeps = true;
    const int64_t start_ms = clock_mono_ms();
    ask(asker, 1, "nobody listens there", 200, &unheard);
    ask(asker, ASKER_ANY, "tea", 300, &unanswered);
    ask(asker, 0, "tea", 1, &one);
    TURN_UNTIL(place, unheard.count + unanswered.count + one.count == 3);
    assert_int_equal(unheard.timeouts + unanswered.timeouts + one.timeouts, 3);
    assert_in_range(unheard.at_ms - start_ms, 200, 200 + SLACK_MS);
    assert_in_range(unanswered.at_ms - start_ms, 300, 300 + SLACK_MS);
    assert_in_range(one.at_ms - start_ms, 1, 1 + SLACK_MS);
    asker_close(asker);
    responder_close(silent.responder);
    for (size_t i = 0; i < silent.kept_count; i++)
        inquiry_refuse(silent.kept[i], 100, "too late", true);
}

static void too_many_and_impossible_questions_are_refused_later(void **state)
{
    struct place *place = *state;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 2);
    struct asker_counters counters;
    char *large = xmalloc(WIRE_MESSAGE_MAX + 1);

    memset(large, 'x', WIRE_MESSAGE_MAX);
    large[WIRE_MESSAGE_MAX] = '\0';
    ask(asker, 1, "no such api", 1000, &reply);
    ask(asker, ASKER_ANY, large, 1000, &reply);
    for (int i = 0; i < 5; i++)
        ask(asker, ASKER_ANY, "tea", 100, &reply);
    assert_int_equal(reply.count, 0);
    uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(reply.busy, 3);
    assert_int_equal(reply.others, 2);
    TURN_UNTIL(place, reply.timeouts == 2);
    assert_int_equal(reply.count, 7);
    asker_count(asker, &counters);
    assert_int_equal(counters.refused, 3);
    asker_close(asker);
    free(large);
}

static void a_wrong_key_gets_no_answer(void **state)
{
    struct place *place = *state;
    struct api api;
    struct responder_counters counters;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "another key", 16);

    api_open(&api, place, place->url[0], "key", 2);
    for (int i = 0; i < 5; i++) /* more than the API takes at once: they hold none of its places */
        ask(asker, ASKER_ANY, "tea", 200, &reply);
    TURN_UNTIL(place, reply.count == 5);
    assert_int_equal(reply.timeouts, 5);
    assert_int_equal(api.asked, 0);
    responder_count(api.responder, &counters);
    assert_true(counters.foreign > 0);
    asker_close(asker);

    asker = asker_of(place, 1, "key", 16);
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    TURN_UNTIL(place, reply.ok == 1);
    asker_close(asker);
    responder_close(api.responder);
}

static void an_answer_that_is_too_large_becomes_an_error(void **state)
{
    struct place *place = *state;
    struct api api;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 1, "key", 16);

    api_open(&api, place, place->url[0], "key", 16);
    api.answer_bytes = WIRE_MESSAGE_MAX;
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    TURN_UNTIL(place, reply.count == 1);
    assert_int_equal(reply.error_code, 100);
    api.answer_bytes = WIRE_MESSAGE_MAX - 100;
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    TURN_UNTIL(place, reply.count == 2);
    assert_int_equal(reply.error_code, 0);
    asker_close(asker);
    responder_close(api.responder);
}

static void closing_tells_nobody(void **state)
{
    struct place *place = *state;
    struct api silent;
    struct reply reply = {0};
    struct asker *asker = asker_of(place, 2, "key", 4);

    api_open(&silent, place, place->url[0], "key", 16);
    silent.keeps = true;
    for (int i = 0; i < 6; i++)
        ask(asker, ASKER_ANY, "tea", 1000, &reply);
    TURN_UNTIL(place, silent.asked == 4);
    const size_t before = reply.count;
    asker_close(asker);
    asker_close(NULL);
    place_rest(place, 50);
    assert_int_equal(reply.count, before);
    for (size_t i = 0; i < silent.kept_count; i++)
        answer(&silent, silent.kept[i], TEXT("nobody there"));
    responder_close(silent.responder);
    responder_close(NULL);
}

static void while_keys_change_each_side_reads_what_the_other_seals(void **state)
{
    struct place *place = *state;
    struct api api = {0};
    struct reply reply = {0};
    struct asker *asker;
    const char *url = place->url[0];
    const struct responder_config answers = {.url = url,
                                             .secret = text("new key"),
                                             .other_secret = text("old key"),
                                             .open_limit = 4};
    const struct asker_config asks = {.urls = &url,
                                      .url_count = 1,
                                      .secret = text("old key"),
                                      .other_secret = text("new key"),
                                      .try_ms = TRY_MS,
                                      .open_limit = 4};

    assert_int_equal(responder_open(&api.responder, &place->loop, &answers, on_question, &api),
                     ERR_OK);
    assert_int_equal(asker_open(&asker, &place->loop, &asks), ERR_OK);
    ask(asker, ASKER_ANY, "tea", 2000, &reply);
    TURN_UNTIL(place, reply.count == 1);
    assert_string_equal(reply.data, "tea");
    asker_close(asker);
    responder_close(api.responder);
}

static void without_a_key_only_loopback_is_listened_on(void **state)
{
    struct place *place = *state;
    const struct responder_config config = {.url = "tcp://0.0.0.0:0", .open_limit = 1};
    struct responder *responder;

    assert_int_equal(responder_open(&responder, &place->loop, &config, on_question, NULL),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_question_is_answered),
        PLACE_TEST(many_questions_are_open_at_once),
        PLACE_TEST(questions_beyond_an_apis_places_wait_for_one),
        PLACE_TEST(a_silent_api_is_skipped),
        PLACE_TEST(a_slow_answer_still_counts_after_the_next_was_asked),
        PLACE_TEST(what_one_api_cannot_answer_is_asked_elsewhere_at_once),
        PLACE_TEST(a_refusal_of_all_apis_is_the_answer_without_waiting),
        PLACE_TEST(a_refusal_of_the_only_api_asked_is_the_answer),
        PLACE_TEST(a_refusal_waits_for_apis_that_may_still_answer),
        PLACE_TEST(a_dead_api_costs_no_time),
        PLACE_TEST(questions_leave_an_api_that_goes_away),
        PLACE_TEST(an_api_that_comes_back_gets_the_question_again),
        PLACE_TEST(a_deadline_holds),
        PLACE_TEST(too_many_and_impossible_questions_are_refused_later),
        PLACE_TEST(a_wrong_key_gets_no_answer),
        PLACE_TEST(an_answer_that_is_too_large_becomes_an_error),
        PLACE_TEST(closing_tells_nobody),
        PLACE_TEST(while_keys_change_each_side_reads_what_the_other_seals),
        PLACE_TEST(without_a_key_only_loopback_is_listened_on),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
