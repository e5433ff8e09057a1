/*
 * listening: the operator's channels as those who listen to them see them: patterns that stand for
 * many, and how long what was heard may be told to who comes later.
 */
#include <utlist.h>

#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channels/patterns.h"
#include "gateway/channel_name.h"
#include "gateway/channels/namespaces.h"

/* ---- patterns ---- */

bool listening_take_pattern(struct bus_broker *broker, struct channel *channel)
{
    if (channel->is_pattern)
        return true;
    if (broker->pattern_count >= (size_t)broker->base.settings->channel.patterns_max)
        return false;
    channel->is_pattern = true;
    DL_APPEND2(broker->patterns, channel, prev_pattern, next_pattern);
    broker->pattern_count++;
    return true;
}

void listening_forget(struct bus_broker *broker, struct channel *channel)
{
    if (!channel->is_pattern)
        return;
    DL_DELETE2(broker->patterns, channel, prev_pattern, next_pattern);
    broker->pattern_count--;
    channel->is_pattern = false;
}

/* Offsets of different streams mean nothing in one subscription: they get none. */
static void post(struct bus_broker *broker, const struct channel *pattern,
                 const Bus__Publication *from)
{
    Bus__Publication publication = *from;
    struct parcel *parcel;

    publication.channel = wire_bytes(channel_text(pattern));
    publication.offset = 0;
    publication.epoch = (ProtobufCBinaryData){0};
    parcel = bus_parcel_matched(&publication, wire_text(from->channel));
    for (unsigned i = 0; i < broker->base.port_count; i++)
        if (pattern->given[i].full > 0)
            port_post_parcel(broker->base.ports[i], parcel);
    parcel_unref(parcel);
}

void listening_tell_patterns(struct bus_broker *broker, const Bus__Publication *publication)
{
    const struct settings *settings = broker->base.settings;
    const struct text name = wire_text(publication->channel);
    const struct namespace *namespace;
    const struct channel *pattern;

    if (broker->patterns == NULL || channel_name_kind(name) != CHANNEL_NAME_UNKNOWN)
        return;
    namespace = namespace_find(settings, name);
    for (pattern = broker->patterns; pattern != NULL; pattern = pattern->next_pattern)
        if (pattern->namespace == namespace &&
            channel_matches(channel_text(pattern), name, namespace, settings))
            post(broker, pattern, publication);
}

/* ---- who listens ---- */

void listening_give(struct bus_broker *broker, struct channel *channel, unsigned loop)
{
    const bool first = channel->namespace != NULL && !channel_is_followed(channel);

    channel->given[loop].full++;
    if (first)
        broker_tell_occupied(&broker->base, channel_text(channel), true);
}

/* ---- what may still be told ---- */

/* The stream forgets after its time, and beyond its size: so does the ring. */
const struct ring_entry *listening_ring(struct bus_broker *broker, struct channel *channel,
                                        uint64_t from)
{
    const struct ring_entry *entry = ring_find(&channel->ring, from);

    if (entry == NULL || channel->namespace == NULL)
        return entry;
    if (bus_now_ms(broker) >= channel->ring_until_ms ||
        channel->next - from > (uint64_t)channel->namespace->history_size)
        return NULL;
    return entry;
}
