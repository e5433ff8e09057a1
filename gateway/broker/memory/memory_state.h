/*
 * memory_state: what the files of the memory broker share: memory_broker.c (life, letters, time),
 * memory_subscribe.c, memory_publish.c, memory_read.c, memory_members.c. For them alone. Broker's
 * thread.
 *
 * Every request is answered in the step that takes it, and before it is taken all is dropped whose
 * time has passed: nobody has to look at the clock but memory_broker.c. A channel without
 * listeners, members and stream is not there.
 */
#pragma once

#include "gateway/broker/broker.h"
#include "gateway/broker/memory/idempotency.h"
#include "gateway/broker/memory/memory_channel.h"
#include "gateway/channels/patterns.h"

struct memory_broker {
    struct broker base; /* first: this is one */
    struct memory_channel *map;
    struct memory_channel *patterns; /* those of them that are patterns */
    size_t pattern_count;
    struct stream_store streams;
    struct idempotency idempotency;
    int64_t settled_ms; /* until then all is dropped whose time has passed */
    uv_timer_t tick;
    _Atomic uint64_t stream_count; /* for the gauges */
};

/* ---- memory_broker.c ---- */

struct memory_channel *memory_find(const struct memory_broker *broker, struct text name);
/* The request's channel, made if it is not there; held until memory_let_go(). */
struct memory_channel *memory_hold(struct memory_broker *broker, const struct request *request);
void memory_let_go(struct memory_broker *broker,
                   struct memory_channel *channel); /* it may be gone after it */

/*
 * The channel's stream, made if it is not there; it counts as used now. NULL: there are as many as
 * may be, and all are in use.
 */
struct stream *memory_stream(struct memory_broker *broker, struct memory_channel *channel);

static inline bool memory_has_history(const struct namespace *namespace)
{
    return namespace != NULL && namespace->history_size > 0 && namespace->history_ttl_ms > 0;
}

void memory_answer(struct memory_broker *broker, struct request *request); /* it is done */
void memory_fail(struct memory_broker *broker, struct request *request, int error);

/* Fills the answer in: where the stream is. */
static inline void memory_tell_position(struct request *request, const struct stream *stream)
{
    request->position = stream->top;
    request->position_epoch = request_keep(request, stream_epoch(stream));
}

/* ---- the others ---- */

void memory_subscribe(struct memory_broker *broker, struct request *request);
void memory_publish(struct memory_broker *broker, struct request *request);
void memory_history(struct memory_broker *broker, struct request *request);
void memory_history_remove(struct memory_broker *broker, struct request *request);
void memory_presence(struct memory_broker *broker, struct request *request);
void memory_presence_stats(struct memory_broker *broker, struct request *request);

/* Who was there before under the same name has left; memory_tell_join() follows the answer. */
void memory_enter(struct memory_broker *broker, struct memory_channel *channel,
                  const struct request *request);
void memory_tell_join(struct memory_broker *broker, const struct memory_channel *channel,
                      struct text client);
void memory_leave(struct memory_broker *broker, struct memory_channel *channel, struct text client);
