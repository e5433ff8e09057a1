/*
 * A walk asks for all at once; what does not fit is asked for again as two halves, which are halved
 * in turn:
 *
 *   ask -> on_part_told -> on_part … channel_walk_next -> ask for the part behind it … -> on_end
 *                       -> it is cut: ask for its first half
 *
 * It ends with 100 when a gateway is missing, with 106 when a part of SURVEY_PARTS_MAX is cut, and
 * with what the APIs say when they refuse.
 */
#include "gateway/broker/bus/surveys.h"

#include <stdlib.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/node.h"

static void ask_all(struct request *request, struct text data, asker_done_fn done, void *context)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Survey survey = BUS__SURVEY__INIT;

    survey.data = wire_bytes(data);
    question.ask_case = BUS__QUESTION__ASK_SURVEY;
    question.survey = &survey;
    bus_ask(request->broker, ASKER_ANY, &question, done, context);
}

/* An API that does not know of this gateway does not know of all. */
static bool has_own(const Bus__Surveyed *surveyed)
{
    for (size_t i = 0; i < surveyed->n_answers; i++)
        if (text_equal(wire_text(surveyed->answers[i]->node), node_id()))
            return true;
    return false;
}

/* NULL: `request` has failed. They may be cut. */
static const Bus__Surveyed *read_answers(struct request *request, enum err err,
                                         const Bus__Answer *answer)
{
    const Bus__Surveyed *surveyed;

    if (!bus_succeeded(request->broker, request, err, answer))
        return NULL;
    if (answer->told_case != BUS__ANSWER__TOLD_SURVEYED) {
        request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
        return NULL;
    }
    surveyed = answer->surveyed;
    if (surveyed->missing == 0 && (surveyed->cut || has_own(surveyed)))
        return surveyed;
    request_fail(request, PROTOCOL_INTERNAL, TEXT("not all gateways answered"), true);
    return NULL;
}

/* ---- a walk over channels ---- */

static void ask(struct channel_walk *walk);

/* The first half. False: it cannot be halved any more. */
static bool halve(struct survey_part *part)
{
    if (part->parts >= SURVEY_PARTS_MAX)
        return false;
    part->parts *= 2;
    return true;
}

/* The part behind it: the second half of what it is the first half of, or of what that is in. False:
 * it was the last one. */
static bool step(struct survey_part *part)
{
    while (part->parts > 1 && part->part >= part->parts / 2) {
        part->parts /= 2;
        part->part -= part->parts;
    }
    if (part->parts == 1)
        return false;
    part->part += part->parts / 2;
    return true;
}

static void on_part_told(void *context, enum err err, const Bus__Answer *answer)
{
    struct channel_walk *walk = context;
    const Bus__Surveyed *surveyed = read_answers(walk->request, err, answer);

    if (surveyed == NULL) {
        walk->on_end(walk, false);
    } else if (!surveyed->cut) {
        walk->on_part(walk, surveyed);
    } else if (halve(&walk->part)) {
        ask(walk);
    } else {
        request_fail(walk->request, PROTOCOL_LIMIT_EXCEEDED, TEXT(SURVEY_TOO_MANY_CHANNELS), false);
        walk->on_end(walk, false);
    }
}

static void ask(struct channel_walk *walk)
{
    struct buf data = {0};

    survey_write_channels(&data, walk->pattern, &walk->part);
    ask_all(walk->request, buf_text(&data), on_part_told, walk);
    buf_fini(&data);
}

void channel_walk_start(struct channel_walk *walk)
{
    walk->part = (struct survey_part){.parts = 1, .seed = (uint32_t)id_random()};
    ask(walk);
}

void channel_walk_next(struct channel_walk *walk)
{
    if (step(&walk->part))
        ask(walk);
    else
        walk->on_end(walk, true);
}

/* ---- of the server API ---- */

struct poll {
    struct request *request;
    struct survey *survey;
    struct survey_merge *merge; /* what was told so far */
    struct channel_walk walk;
};

/* The request is answered or has failed. */
static void end(struct poll *poll)
{
    struct request *request = poll->request;

    survey_merge_destroy(poll->merge);
    survey_destroy(poll->survey);
    free(poll);
    bus_answer(request->broker, request);
}

static void add(struct poll *poll, const Bus__Surveyed *surveyed)
{
    for (size_t i = 0; i < surveyed->n_answers; i++)
        survey_merge_add(poll->merge, wire_text(surveyed->answers[i]->data));
}

static void on_part(struct channel_walk *walk, const Bus__Surveyed *surveyed)
{
    struct poll *poll = container_of(walk, struct poll, walk);

    add(poll, surveyed);
    if (survey_merge_bytes(poll->merge) > SURVEY_RESULT_MAX)
        walk->on_end(walk, true); /* survey_tell() says so */
    else
        channel_walk_next(walk);
}

static void on_end(struct channel_walk *walk, bool complete)
{
    struct poll *poll = container_of(walk, struct poll, walk);

    if (complete)
        survey_tell(poll->survey, poll->merge, false, poll->request);
    end(poll);
}

static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
    struct poll *poll = context;
    const Bus__Surveyed *surveyed = read_answers(poll->request, err, answer);

    if (surveyed != NULL) {
        add(poll, surveyed);
        survey_tell(poll->survey, poll->merge, surveyed->cut, poll->request);
    }
    end(poll);
}

void surveys_start(struct request *request)
{
    struct survey *survey = survey_create(request->data);
    struct poll *poll;

    if (survey == NULL) {
        request_fail(request, PROTOCOL_BAD_REQUEST, (struct text){0}, false);
        bus_answer(request->broker, request);
        return;
    }
    poll = xcalloc(1, sizeof(*poll));
    poll->request = request;
    poll->survey = survey;
    poll->merge = survey_merge_create(survey->kind);
    poll->walk = (struct channel_walk){request, survey->pattern, on_part, on_end};
    if (survey->kind == SURVEY_CHANNELS)
        channel_walk_start(&poll->walk);
    else
        ask_all(request, request->data, on_told, poll);
}
