/*
 * memory_read: history, read and removed.
 */
#include "gateway/broker/memory/memory_state.h"

/* Clients get so many at most; the server API as many as there are. */
static size_t limit_of(const struct memory_broker *broker, const struct request *request)
{
    const size_t max = request->client != NULL
                           ? (size_t)broker->base.settings->client.history_max_publications
                           : SIZE_MAX;

    if (request->limit < 0 || (size_t)request->limit > max)
        return max;
    return (size_t)request->limit;
}

static struct stream_range choose(const struct stream *stream, const struct request *request,
                                  size_t limit)
{
    if (request->reverse)
        return stream_before(stream, request->has_since ? request->offset : stream->top + 1, limit);
    return stream_after(stream, request->has_since ? request->offset : 0, limit);
}

static void copy(struct request *request, const struct stream *stream, struct stream_range range)
{
    request_begin_publications(request, range.count);
    for (uint64_t i = 0; i < range.count; i++)
        request_add_publication(
            request, stream_at(stream, request->reverse ? range.from - i : range.from + i));
}

/* The error, or 0. */
static int read_stream(struct memory_broker *broker, struct memory_channel *channel,
                       struct request *request)
{
    const struct stream *stream = memory_stream(broker, channel);

    if (stream == NULL)
        return PROTOCOL_LIMIT_EXCEEDED;
    if (request->has_since && request->epoch.len > 0 &&
        !text_equal(request->epoch, stream_epoch(stream)))
        return PROTOCOL_UNRECOVERABLE;
    copy(request, stream, choose(stream, request, limit_of(broker, request)));
    memory_tell_position(request, stream);
    return 0;
}

static int check(const struct request *request)
{
    if (!memory_has_history(request->namespace) || pattern_is(request->channel, request->namespace))
        return PROTOCOL_NOT_AVAILABLE;
    if (request->reverse && request->has_since && request->offset == 0)
        return PROTOCOL_BAD_REQUEST;
    return 0;
}

void memory_history(struct memory_broker *broker, struct request *request)
{
    int error = check(request);

    if (error == 0) {
        struct memory_channel *channel = memory_hold(broker, request);
        error = read_stream(broker, channel, request);
        memory_let_go(broker, channel);
    }
    if (error != 0)
        memory_fail(broker, request, error);
    else
        memory_answer(broker, request);
}

void memory_history_remove(struct memory_broker *broker, struct request *request)
{
    const struct memory_channel *channel = memory_find(broker, request->channel);

    if (!memory_has_history(request->namespace)) {
        memory_fail(broker, request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    if (channel != NULL && channel->stream != NULL)
        stream_clear(channel->stream);
    memory_answer(broker, request);
}
