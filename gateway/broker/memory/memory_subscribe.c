/*
 * memory_subscribe: a reference to a channel, where its stream stands, and what was missed, all in
 * one step.
 *
 *   take a place among the patterns, if it is one -> position and recovery -> reference, entry,
 *   answer -> join
 *
 * It fails when there are too many patterns or streams (106), and when what was missed cannot be
 * told and the client wants all or nothing (112). Then nothing is left of it.
 */
#include <utlist.h>

#include "gateway/broker/memory/memory_state.h"

/* ---- patterns ---- */

/* A pattern as long as somebody listens to it. */
static bool take_pattern(struct memory_broker *broker, struct memory_channel *channel)
{
    if (channel->is_pattern)
        return true;
    if (broker->pattern_count >= (size_t)broker->base.settings->channel.patterns_max)
        return false;
    channel->is_pattern = true;
    DL_APPEND(broker->patterns, channel);
    broker->pattern_count++;
    return true;
}

/* ---- recovery ---- */

static void add_missed(struct request *request, const struct stream *stream,
                       struct stream_range missed)
{
    request_begin_publications(request, missed.count);
    for (uint64_t i = 0; i < missed.count; i++) {
        struct parcel *parcel = stream_at(stream, missed.from + i);
        if (request->filter == NULL ||
            filter_passes(request->filter, parcel->tags, parcel->tag_count))
            request_add_publication(request, parcel);
    }
}

static bool recover_all(const struct settings *settings, struct request *request,
                        const struct stream *stream)
{
    struct stream_range missed;

    if (!stream_recover(stream, (struct stream_position){request->offset, request->epoch},
                        (size_t)settings->client.recovery_max_publications,
                        (size_t)settings->client.recovery_max_bytes, &missed))
        return false;
    add_missed(request, stream, missed);
    return true;
}

static bool recover_latest(struct request *request, const struct stream *stream)
{
    struct parcel *latest;

    if (!stream_recover_latest(stream, (struct stream_position){request->offset, request->epoch},
                               request->filter, &latest))
        return false;
    request_begin_publications(request, 1);
    if (latest != NULL)
        request_add_publication(request, latest);
    return true;
}

/* A pattern has no stream: nothing of it can be recovered. */
static int recover(struct memory_broker *broker, struct request *request,
                   const struct stream *stream)
{
    if (!request->recover || !request->wants_recovery)
        return 0;
    if (stream != NULL)
        request->recovered = request->cache_recovery
                                 ? recover_latest(request, stream)
                                 : recover_all(broker->base.settings, request, stream);
    metrics_add(&broker->base.metrics,
                request->recovered ? METRIC_RECOVERIES : METRIC_RECOVERIES_FAILED, 1);
    if (!request->recovered && (request->flag & SUBSCRIBE_FLAG_REJECT_UNRECOVERED) != 0)
        return PROTOCOL_UNRECOVERABLE;
    return 0;
}

/* ---- the whole ---- */

/* Where the subscription begins. The error, or 0. */
static int begin(struct memory_broker *broker, struct memory_channel *channel,
                 struct request *request)
{
    const struct stream *stream = NULL;

    if (!channel->is_pattern && (request->wants_position || request->wants_recovery)) {
        stream = memory_stream(broker, channel);
        if (stream == NULL)
            return PROTOCOL_LIMIT_EXCEEDED;
        memory_tell_position(request, stream);
    }
    return recover(broker, request, stream);
}

static void grant(struct memory_broker *broker, struct memory_channel *channel,
                  struct request *request)
{
    const bool enters =
        (request->tells_presence || request->tells_join_leave) && request->info.client.len > 0;
    struct buf client = {0}; /* the request is gone when its join is told */

    memory_channel_give(channel, request->loop);
    if (channel->listened == 1)
        broker_tell_occupied(&broker->base, memory_channel_name(channel), true);
    if (enters) {
        memory_enter(broker, channel, request);
        buf_add_text(&client, request->info.client);
    }
    memory_answer(broker, request);
    if (enters)
        memory_tell_join(broker, channel, buf_text(&client));
    buf_fini(&client);
}

void memory_subscribe(struct memory_broker *broker, struct request *request)
{
    struct memory_channel *channel = memory_hold(broker, request);
    int error = 0;

    if (pattern_is(request->channel, request->namespace) && !take_pattern(broker, channel))
        error = PROTOCOL_LIMIT_EXCEEDED;
    if (error == 0)
        error = begin(broker, channel, request);
    if (error != 0)
        memory_fail(broker, request, error);
    else
        grant(broker, channel, request);
    memory_let_go(broker, channel);
}
