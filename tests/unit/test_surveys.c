/* What a gateway asks all gateways, and publications to patterns; the fleet is a fake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/broker/bus/surveys.h"
#include "gateway/node.h"

#define CHANNELS_MAX 2000
#define GATEWAYS     2 /* each has a listener of every channel */

struct question {
    Bus__Question__AskCase kind;
    struct survey *survey;
    asker_done_fn done;
    void *context;
};

/* What stands behind bus_ask(). */
static struct {
    size_t channels;        /* "news:0" ... */
    size_t fits;            /* channels in the answers to one survey */
    uint32_t missing;       /* gateways */
    size_t missing_from;    /* in surveys from that one on */
    uint32_t error;         /* of each answer */
    size_t publish_fails;   /* of the publication with that number, from 1 on */
    bool is_strange, cuts;  /* does not know this gateway; cuts whatever it says */
    size_t name_bytes;      /* of each channel's */
    struct question waiting[256];
    size_t asked, answered; /* questions */
    size_t surveys, publications, published_count; /* the last: answered ones */
    int published[CHANNELS_MAX];
} fleet;

static struct bus_broker broker;
static struct settings settings;
static struct namespace namespace;
static struct request *answered;

/* ---- the neighbours ---- */

void bus_ask(struct bus_broker *of, size_t api, Bus__Question *question, asker_done_fn done,
             void *context)
{
    assert_int_equal(question->ask_case, BUS__QUESTION__ASK_SURVEY);
    assert_true(fleet.asked - fleet.answered < ARRAY_COUNT(fleet.waiting));
    fleet.surveys++;
    fleet.waiting[fleet.asked++ % ARRAY_COUNT(fleet.waiting)] =
        (struct question){question->ask_case, survey_create(wire_text(question->survey->data)), done,
                          context};
}

bool bus_succeeded(struct bus_broker *of, struct request *request, enum err err,
                   const Bus__Answer *answer)
{
    if (err == ERR_OK && answer->error_code == 0)
        return true;
    request_fail(request, err != ERR_OK ? 100 : (int)answer->error_code, (struct text){0}, true);
    return false;
}

void bus_answer(struct bus_broker *of, struct request *request)
{
    assert_null(answered);
    answered = request;
}

void streams_publish(struct request *request, struct text channel, asker_done_fn done, void *context)
{
    const int number = atoi(channel.at + strlen("news:"));

    assert_in_range(number, 0, CHANNELS_MAX - 1);
    fleet.published[number]++;
    fleet.publications++;
    fleet.waiting[fleet.asked++ % ARRAY_COUNT(fleet.waiting)] =
        (struct question){BUS__QUESTION__ASK_STREAM_PUBLISH, NULL, done, context};
}

/* Nothing is asked of loops here. */
void broker_begin_survey(struct broker *of)
{
    fail();
}

void broker_end_survey(struct broker *of)
{
    fail();
}

/* ---- the fleet ---- */

static struct text name_of(char *out, size_t number)
{
    size_t len;

    memset(out, '-', fleet.name_bytes);
    len = (size_t)sprintf(out, "news:%zu-", number);
    if (len < fleet.name_bytes)
        out[len] = '-'; /* instead of the end of a C string */
    return text_of(out, len > fleet.name_bytes ? len : fleet.name_bytes);
}

/* As a gateway's loops do; true: it is cut. */
static bool add_channels(struct survey *survey)
{
    char name[fleet.name_bytes + 32];
    size_t count = 0;

    for (size_t i = 0; i < fleet.channels; i++) {
        if (!survey_part_has(&survey->part, name_of(name, i)))
            continue;
        if (count++ == fleet.fits)
            return true;
        assert_true(survey_add(survey, 1, name_of(name, i), TEXT("{}")));
    }
    return fleet.cuts;
}

static void answer_survey(struct question *asked)
{
    const struct text nodes[GATEWAYS] = {fleet.is_strange ? TEXT("other") : node_id(),
                                         TEXT("another")};
    Bus__Surveyed surveyed = BUS__SURVEYED__INIT;
    Bus__SurveyAnswer answers[GATEWAYS], *list[GATEWAYS];
    Bus__Answer answer = BUS__ANSWER__INIT;

    asked->survey->bytes_max = SIZE_MAX;
    surveyed.cut = add_channels(asked->survey);
    surveyed.missing = fleet.surveys > fleet.missing_from ? fleet.missing : 0;
    for (size_t i = 0; i < GATEWAYS; i++) {
        bus__survey_answer__init(list[i] = &answers[i]);
        answers[i].node = wire_bytes(nodes[i]);
        answers[i].data = wire_bytes(buf_text(&asked->survey->answer));
    }
    surveyed.n_answers = GATEWAYS;
    surveyed.answers = list;
    answer.error_code = fleet.error;
    answer.told_case = BUS__ANSWER__TOLD_SURVEYED;
    answer.surveyed = &surveyed;
    asked->done(asked->context, ERR_OK, &answer);
    survey_destroy(asked->survey);
}

static void answer_publication(const struct question *asked)
{
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.error_code = ++fleet.published_count == fleet.publish_fails ? 106 : 0;
    asked->done(asked->context, ERR_OK, &answer);
}

/* Until the request is answered. */
static struct request *run(struct request *request)
{
    while (fleet.answered < fleet.asked) {
        struct question *asked = &fleet.waiting[fleet.answered++ % ARRAY_COUNT(fleet.waiting)];
        struct question copy = *asked;
        if (copy.kind == BUS__QUESTION__ASK_SURVEY)
            answer_survey(&copy);
        else
            answer_publication(&copy);
    }
    assert_ptr_equal(answered, request);
    answered = NULL;
    return request;
}

static int setup(void **state)
{
    memset(&fleet, 0, sizeof(fleet));
    fleet.channels = 10;
    fleet.fits = SIZE_MAX;
    namespace = (struct namespace){.name = "news", .allow_wildcard_subscribe = true};
    settings.channel.namespaces = &namespace;
    settings.channel.namespace_count = 1;
    settings.channel.namespace_boundary = ":";
    settings.channel.private_prefix = "$";
    settings.channel.user_boundary = "#";
    broker.base.settings = &settings;
    return 0;
}

static struct request *publish(void)
{
    struct request *request = request_create(REQUEST_PUBLISH, NULL);

    request->broker = &broker;
    request->namespace = &namespace;
    request->channel = TEXT("news:*");
    fan_publish(request);
    return run(request);
}

static struct request *survey(const char *question)
{
    struct request *request = request_create(REQUEST_SURVEY, NULL);

    request->broker = &broker;
    request->data = text(question);
    surveys_start(request);
    return run(request);
}

static void end(struct request *request, int error, bool temporary)
{
    assert_int_equal(request->outcome, error == 0 ? REQUEST_DONE : REQUEST_FAILED);
    assert_int_equal(request->error, error);
    assert_int_equal(request->temporary, temporary);
    request_destroy(request);
}

static size_t reached(int times)
{
    size_t count = 0;

    for (size_t i = 0; i < fleet.channels; i++)
        count += fleet.published[i] == times;
    return count;
}

/* ---- publications ---- */

static void channels_that_fit_are_asked_for_once(void **state)
{
    end(publish(), 0, false);
    assert_int_equal(fleet.surveys, 1);
    assert_int_equal(reached(1), 10);
}

static void without_channels_nothing_is_published(void **state)
{
    fleet.channels = 0;
    end(publish(), 0, false);
    assert_int_equal(fleet.publications, 0);
}

static void channels_that_do_not_fit_are_asked_for_in_parts_and_each_is_reached_once(void **state)
{
    fleet.channels = CHANNELS_MAX;
    for (fleet.fits = 10; fleet.fits < CHANNELS_MAX * 2; fleet.fits *= 5) {
        memset(fleet.published, 0, sizeof(fleet.published));
        end(publish(), 0, false);
        assert_int_equal(reached(1), CHANNELS_MAX);
    }
}

static void a_missing_gateway_is_an_error_for_now_and_nothing_is_published(void **state)
{
    fleet.missing = 1;
    end(publish(), 100, true);
    assert_int_equal(fleet.publications, 0);
}

static void a_gateway_that_goes_missing_later_ends_it_there(void **state)
{
    fleet.channels = 100;
    fleet.fits = 60;
    fleet.missing = 1;
    fleet.missing_from = 2; /* the second half: after the whole, and the first */
    end(publish(), 100, true);
    assert_int_equal(fleet.surveys, 3);
    assert_in_range(reached(1), 30, 60);
    assert_int_equal(reached(0) + reached(1), 100);
}

static void an_api_that_does_not_know_this_gateway_does_not_know_all(void **state)
{
    fleet.is_strange = true;
    end(publish(), 100, true);
    assert_int_equal(fleet.publications, 0);
}

static void what_the_apis_refuse_is_refused(void **state)
{
    fleet.error = 111;
    end(publish(), 111, true);
}

static void parts_have_an_end(void **state)
{
    fleet.cuts = true;
    end(publish(), 106, false);
    assert_int_equal(fleet.surveys, 13); /* 1, 2, 4 ... 4096 parts */
    assert_int_equal(fleet.publications, 0);
}

static void the_first_publication_that_fails_ends_it(void **state)
{
    fleet.channels = CHANNELS_MAX;
    fleet.fits = 500;
    fleet.publish_fails = 100;
    end(publish(), 106, true);
    assert_in_range(fleet.publications, 100, 200); /* those under way went through */
}

/* ---- the server API ---- */

static void channels_of_all_gateways_and_parts_are_told_together(void **state)
{
    struct request *request;

    fleet.channels = 3;
    fleet.fits = 2;
    request = survey("{\"channels\":{\"pattern\":\"news:*\"}}");
    assert_true(fleet.surveys > 1);
    for (int i = 0; i < 3; i++) {
        char part[64];
        sprintf(part, "\"news:%d-\":{\"num_clients\":2}", i);
        assert_non_null(memmem(request->told.at, request->told.len, part, strlen(part)));
    }
    end(request, 0, false);
}

static void too_many_channels_are_an_error_with_a_way_out(void **state)
{
    struct request *request;

    fleet.channels = 20;
    fleet.fits = 5;
    fleet.name_bytes = 1 << 20;
    request = survey("{\"channels\":{}}");
    assert_string_equal(request->message, SURVEY_TOO_MANY_CHANNELS);
    end(request, 106, false);

    fleet.channels = 10;
    end(survey("{\"channels\":{}}"), 0, false);
}

static void nobody_is_said_to_be_offline_who_was_not_asked_about_everywhere(void **state)
{
    fleet.missing = 1;
    end(survey("{\"statuses\":{\"users\":[\"ada\"]}}"), 100, true);
    end(survey("{\"connections\":{\"user\":\"ada\"}}"), 100, true);
    end(survey("{\"channels\":{}}"), 100, true);
}

static void connections_end_at_their_limit_or_in_an_error(void **state)
{
    fleet.cuts = true;
    end(survey("{\"connections\":{\"limit\":11}}"), 106, false);
    end(survey("{\"connections\":{\"limit\":10}}"), 0, false);
    assert_int_equal(fleet.surveys, 2);
}

static void no_question_is_an_error(void **state)
{
    end(survey("{\"weather\":{}}"), 107, false);
    assert_int_equal(fleet.surveys, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(channels_that_fit_are_asked_for_once, setup),
        cmocka_unit_test_setup(without_channels_nothing_is_published, setup),
        cmocka_unit_test_setup(
            channels_that_do_not_fit_are_asked_for_in_parts_and_each_is_reached_once, setup),
        cmocka_unit_test_setup(a_missing_gateway_is_an_error_for_now_and_nothing_is_published,
                               setup),
        cmocka_unit_test_setup(a_gateway_that_goes_missing_later_ends_it_there, setup),
        cmocka_unit_test_setup(an_api_that_does_not_know_this_gateway_does_not_know_all, setup),
        cmocka_unit_test_setup(what_the_apis_refuse_is_refused, setup),
        cmocka_unit_test_setup(parts_have_an_end, setup),
        cmocka_unit_test_setup(the_first_publication_that_fails_ends_it, setup),
        cmocka_unit_test_setup(channels_of_all_gateways_and_parts_are_told_together, setup),
        cmocka_unit_test_setup(too_many_channels_are_an_error_with_a_way_out, setup),
        cmocka_unit_test_setup(nobody_is_said_to_be_offline_who_was_not_asked_about_everywhere,
                               setup),
        cmocka_unit_test_setup(connections_end_at_their_limit_or_in_an_error, setup),
        cmocka_unit_test_setup(no_question_is_an_error, setup),
    };

    id_init();
    node_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
