/*
 * memory_publish: a publication into its stream and to those who listen.
 *
 *   was it published already (by its key)? -> for its channel, or for each that the pattern
 * matches: was it overtaken (by its version)? -> offset, delta -> kept -> loops -> patterns that
 * match
 *
 * It fails when there is no room for a stream (106).
 */
#include <stdlib.h>

#include "gateway/broker/memory/memory_state.h"

#define VERSION_EPOCH_MAX 255

/* ---- the parcel ---- */

static struct parcel_content content_of(const struct request *request, struct text channel,
                                        const struct stream *stream)
{
    return (struct parcel_content){
        .channel = channel,
        .data = request->data,
        .epoch = stream != NULL ? stream_epoch(stream) : (struct text){0},
        .offset = stream != NULL ? stream->top + 1 : 0,
        .info = request->has_info ? &request->info : NULL,
        .tags = request->tags,
        .tag_count = request->tag_count,
        .is_json = request->is_json,
    };
}

/* What went out since the last publication of the stream is not in it: no base for a delta. */
static bool wants_delta(const struct request *request, const struct memory_channel *channel)
{
    return !channel->strayed && (request->delta || request->namespace->delta_publish) &&
           request->namespace->allow_fossil_delta;
}

static struct parcel *make(const struct request *request, const struct memory_channel *channel,
                           const struct stream *stream)
{
    const struct parcel *before = stream != NULL ? stream_latest(stream) : NULL;
    struct parcel_content content = content_of(request, memory_channel_name(channel), stream);

    if (before != NULL && wants_delta(request, channel))
        return parcel_create_after(&content, before);
    return parcel_create(&content);
}

/* ---- to the loops ---- */

static void post(struct memory_broker *broker, const struct memory_channel *channel,
                 struct parcel *parcel)
{
    for (unsigned i = 0; i < broker->base.port_count; i++)
        if (channel->given[i] > 0)
            port_post_parcel(broker->base.ports[i], parcel);
}

/* Offsets of different streams mean nothing in one subscription: they get none. */
static void post_to_patterns(struct memory_broker *broker, const struct request *request,
                             struct text name)
{
    const struct memory_channel *pattern;

    for (pattern = broker->patterns; pattern != NULL; pattern = pattern->next) {
        const struct text pattern_name = memory_channel_name(pattern);
        if (pattern->namespace != request->namespace ||
            !channel_matches(pattern_name, name, pattern->namespace, broker->base.settings))
            continue;
        struct parcel_content content = content_of(request, pattern_name, NULL);
        content.matched = name;
        struct parcel *parcel = parcel_create(&content);
        post(broker, pattern, parcel);
        parcel_unref(parcel);
    }
}

/* ---- one channel ---- */

static void deliver(struct memory_broker *broker, const struct request *request,
                    struct memory_channel *channel, struct stream *stream)
{
    const struct namespace *namespace = request->namespace;
    struct parcel *parcel = NULL;

    if (stream != NULL || channel->listened > 0)
        parcel = make(request, channel, stream);
    channel->strayed = stream == NULL;
    if (stream != NULL)
        stream_add(stream, parcel,
                   &(struct stream_bounds){(size_t)namespace->history_size,
                                           namespace->history_ttl_ms,
                                           namespace->history_meta_ttl_ms},
                   broker_now_ms(&broker->base));
    if (parcel != NULL)
        post(broker, channel, parcel);
    post_to_patterns(broker, request, memory_channel_name(channel));
    parcel_unref(parcel);
}

/* The error, or 0. */
static int publish_streamed(struct memory_broker *broker, struct request *request,
                            struct memory_channel *channel)
{
    struct stream *stream = memory_stream(broker, channel);

    if (stream == NULL)
        return PROTOCOL_LIMIT_EXCEEDED;
    if (request->version == 0 ||
        !stream_has_version(stream, request->version, request->version_epoch)) {
        if (request->version > 0)
            stream_set_version(stream, request->version, request->version_epoch);
        deliver(broker, request, channel, stream);
    }
    memory_tell_position(request, stream);
    return 0;
}

static int publish_to(struct memory_broker *broker, struct request *request,
                      struct memory_channel *channel)
{
    if (memory_has_history(request->namespace) && !request->skip_history)
        return publish_streamed(broker, request, channel);
    deliver(broker, request, channel, NULL);
    return 0;
}

static int publish_to_one(struct memory_broker *broker, struct request *request)
{
    struct memory_channel *channel = memory_hold(broker, request);
    const int error = publish_to(broker, request, channel);

    memory_let_go(broker, channel);
    return error;
}

/* ---- all channels of a pattern ---- */

static bool is_meant(const struct memory_broker *broker, const struct request *request,
                     const struct memory_channel *channel)
{
    return !channel->is_pattern && channel->namespace == request->namespace &&
           channel_matches(request->channel, memory_channel_name(channel), request->namespace,
                           broker->base.settings);
}

/* All that are there now, held: publishing may drop others to make room for a stream. */
static size_t gather(struct memory_broker *broker, const struct request *request,
                     struct memory_channel **out)
{
    struct memory_channel *channel;
    size_t count = 0;

    for (channel = broker->map; channel != NULL; channel = channel->hh.next)
        if (is_meant(broker, request, channel)) {
            channel->holds++;
            out[count++] = channel;
        }
    return count;
}

/* A channel without room for a stream is passed over, and is the error. */
static int publish_to_all(struct memory_broker *broker, struct request *request)
{
    const size_t there = HASH_COUNT(broker->map);
    struct memory_channel **channels = xcalloc(there + 1, sizeof(struct memory_channel *));
    const size_t count = gather(broker, request, channels);
    int first = 0;

    for (size_t i = 0; i < count; i++) {
        const int error = publish_to(broker, request, channels[i]);
        memory_let_go(broker, channels[i]);
        if (first == 0)
            first = error;
    }
    free(channels);
    return first;
}

/* ---- the whole ---- */

static bool is_repeat(const struct memory_broker *broker, struct request *request)
{
    struct idempotency_answer answer;

    if (request->idempotency_key.len == 0 ||
        !idempotency_find(&broker->idempotency, request->channel, request->idempotency_key,
                          &answer))
        return false;
    request->position = answer.position;
    request->position_epoch = request_keep(request, answer.epoch);
    return true;
}

static void remember(struct memory_broker *broker, const struct request *request)
{
    if (request->idempotency_key.len > 0)
        idempotency_add(&broker->idempotency, request->channel, request->idempotency_key,
                        &(struct idempotency_answer){request->position, request->position_epoch},
                        broker_now_ms(&broker->base));
}

void memory_publish(struct memory_broker *broker, struct request *request)
{
    int error = 0;

    if (request->version_epoch.len > VERSION_EPOCH_MAX) {
        memory_fail(broker, request, PROTOCOL_BAD_REQUEST);
        return;
    }
    if (!is_repeat(broker, request)) {
        error = pattern_is(request->channel, request->namespace) ? publish_to_all(broker, request)
                                                                 : publish_to_one(broker, request);
        if (error == 0)
            remember(broker, request);
    }
    if (error != 0)
        memory_fail(broker, request, error);
    else
        memory_answer(broker, request);
}
