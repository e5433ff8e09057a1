/*
 * fan: a publication to a pattern goes to all channels that match it and have listeners, on whatever
 * gateway.
 *
 *   on_part -> so many at a time: publish -> on_published -> the next -> the next part -> on_end
 *
 * Channels are learned part after part (surveys.h): all of them are the first part, unless that is
 * too much. A part that is not whole (100: a gateway did not answer in time; 106: too many channels)
 * ends it before any of that part is published to, and so does the first publication that fails,
 * when those under way are through: that error is the answer. What was published before stays so:
 * whoever tries again reaches those channels twice, unless the publication has an idempotency key.
 */
#include <stdlib.h>

#include "gateway/broker/bus/bus_broker.h"
#include "gateway/broker/bus/surveys.h"
#include "gateway/channel_name.h"
#include "gateway/channels/namespaces.h"
#include "gateway/channels/patterns.h"

#define AT_ONCE_MAX 64

struct fan {
    struct channel_walk walk;
    struct request *request;
    /* Of this part. */
    struct arena arena;
    struct text *channels;
    size_t count, cap, next, open;
    bool failed;
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
    fan->channels[fan->count++] = arena_text(&fan->arena, channel);
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

    arena_fini(&fan->arena);
    free(fan->channels);
    free(fan);
    bus_answer(request->broker, request);
}

static void on_published(void *context, enum err err, const Bus__Answer *answer)
{
    struct fan *fan = context;
    struct request *request = fan->request;

    fan->open--;
    if (!fan->failed && !bus_succeeded(request->broker, request, err, answer)) {
        fan->failed = true;
        fan->next = fan->count; /* those under way are waited for */
    }
    go_on(fan);
}

static void go_on(struct fan *fan)
{
    while (fan->open < AT_ONCE_MAX && fan->next < fan->count) {
        fan->open++;
        streams_publish(fan->request, fan->channels[fan->next++], on_published, fan);
    }
    if (fan->open > 0)
        return;
    if (fan->failed)
        end(fan);
    else
        channel_walk_next(&fan->walk);
}

static void on_part(struct channel_walk *walk, const Bus__Surveyed *surveyed)
{
    struct fan *fan = container_of(walk, struct fan, walk);

    arena_fini(&fan->arena);
    fan->count = fan->next = 0;
    add_channels(fan, surveyed);
    go_on(fan);
}

static void on_end(struct channel_walk *walk, bool complete)
{
    struct fan *fan = container_of(walk, struct fan, walk);

    if (complete)
        fan->request->outcome = REQUEST_DONE;
    end(fan);
}

void fan_publish(struct request *request)
{
    struct fan *fan = xcalloc(1, sizeof(*fan));

    fan->request = request;
    fan->walk = (struct channel_walk){request, request->channel, on_part, on_end};
    channel_walk_start(&fan->walk);
}
