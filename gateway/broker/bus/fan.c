/*
 * fan: a publication to a pattern goes to all channels that match it and have listeners, on whatever
 * gateway.
 *
 *   survey -> on_surveyed -> so many at a time: publish -> on_published -> the next -> answer
 *
 * The first error ends it, and is the answer.
 */
#include <stdlib.h>

#include "base/json.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/broker/survey.h"
#include "gateway/channel_name.h"
#include "gateway/channels/namespaces.h"
#include "gateway/channels/patterns.h"

#define AT_ONCE_MAX 64

struct fan {
    struct request *request;
    struct text *channels; /* in the request's arena */
    size_t count, cap, next, open;
};

static void go_on(struct fan *fan);

/* ---- which channels ---- */

static bool is_meant(const struct request *request, struct text channel)
{
    const struct settings *settings = request->broker->base.settings;

    return channel_name_kind(channel) == CHANNEL_NAME_UNKNOWN &&
           namespace_find(settings, channel) == request->namespace &&
           !pattern_is(channel, request->namespace) &&
           channel_matches(request->channel, channel, request->namespace, settings);
}

static void add_channel(void *context, struct text channel)
{
    struct fan *fan = context;

    if (!is_meant(fan->request, channel))
        return;
    if (fan->count == fan->cap) {
        fan->cap = fan->cap == 0 ? 64 : fan->cap * 2;
        fan->channels = xrealloc(fan->channels, fan->cap * sizeof(*fan->channels));
    }
    fan->channels[fan->count++] = request_keep(fan->request, channel);
}

static void add_channels(struct fan *fan, const Bus__Surveyed *surveyed)
{
    struct survey_merge *merge = survey_merge_create(SURVEY_CHANNELS);

    for (size_t i = 0; i < surveyed->n_answers; i++)
        survey_merge_add(merge, wire_text(surveyed->answers[i]->data));
    survey_merge_each(merge, add_channel, fan);
    survey_merge_destroy(merge);
}

/* ---- one after the other ---- */

static void end(struct fan *fan)
{
    struct request *request = fan->request;

    free(fan->channels);
    free(fan);
    bus_answer(request->broker, request);
}

static void on_published(void *context, enum err err, const Bus__Answer *answer)
{
    struct fan *fan = context;
    struct request *request = fan->request;

    fan->open--;
    if (request->outcome == REQUEST_DONE && !bus_succeeded(request->broker, request, err, answer))
        fan->next = fan->count; /* those under way are waited for */
    go_on(fan);
}

static void go_on(struct fan *fan)
{
    while (fan->open < AT_ONCE_MAX && fan->next < fan->count) {
        fan->open++;
        streams_publish(fan->request, fan->channels[fan->next++], on_published, fan);
    }
    if (fan->open == 0)
        end(fan);
}

static void on_surveyed(void *context, enum err err, const Bus__Answer *answer)
{
    struct fan *fan = context;
    struct request *request = fan->request;

    if (bus_succeeded(request->broker, request, err, answer)) {
        request->outcome = REQUEST_DONE;
        if (answer->told_case == BUS__ANSWER__TOLD_SURVEYED)
            add_channels(fan, answer->surveyed);
    }
    go_on(fan);
}

void fan_publish(struct request *request)
{
    struct fan *fan = xcalloc(1, sizeof(*fan));
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Survey survey = BUS__SURVEY__INIT;
    struct buf data = {0};
    struct json_out out = {.buf = &data};

    fan->request = request;
    json_open(&out, '{');
    json_key(&out, "channels");
    json_open(&out, '{');
    json_key_text(&out, "pattern", request->channel);
    json_close(&out, '}');
    json_close(&out, '}');
    survey.data = wire_bytes(buf_text(&data));
    question.ask_case = BUS__QUESTION__ASK_SURVEY;
    question.survey = &survey;
    bus_ask(request->broker, ASKER_ANY, &question, on_surveyed, fan);
    buf_fini(&data);
}
