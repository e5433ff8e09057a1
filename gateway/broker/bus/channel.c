#include "gateway/broker/bus/channel.h"

#include <stdlib.h>

static const bool may_enter[CHANNEL_STATE_COUNT][CHANNEL_STATE_COUNT] = {
    [CHANNEL_OPENING] = {[CHANNEL_LIVE] = true},
    [CHANNEL_LIVE] = {[CHANNEL_GAP] = true},
    [CHANNEL_GAP] = {[CHANNEL_LIVE] = true, [CHANNEL_FETCHING] = true},
    [CHANNEL_FETCHING] =
        {[CHANNEL_LIVE] = true, [CHANNEL_RETRYING] = true, [CHANNEL_FETCHING] = true},
    [CHANNEL_RETRYING] = {[CHANNEL_LIVE] = true, [CHANNEL_FETCHING] = true},
};

struct channel *channel_create(struct text name, const struct namespace *namespace, bool streamed,
                               unsigned loop_count, struct hold_store *store)
{
    const size_t size = sizeof(struct channel) + loop_count * sizeof(struct channel_given);
    struct channel *channel = xcalloc(1, size + name.len);

    channel->state = streamed ? CHANNEL_OPENING : CHANNEL_LIVE;
    channel->streamed = streamed;
    channel->namespace = namespace;
    channel->loop_count = loop_count;
    channel->store = store;
    channel->name = (char *)channel + size;
    channel->name_len = (uint32_t)name.len;
    memcpy(channel->name, name.at, name.len);
    return channel;
}

/* `at` points at the next one after it. */
static void drop_held(struct channel *channel, struct parcel **at)
{
    struct parcel *parcel = *at;

    *at = parcel->next;
    channel->held_count--;
    channel->store->bytes -= parcel->bytes;
    parcel_unref(parcel);
}

void channel_destroy(struct channel *channel)
{
    CHECK(channel->holds == 0 && channel->waiting == NULL && channel->ring.count == 0);
    while (channel->held != NULL)
        drop_held(channel, &channel->held);
    free(channel->epoch);
    free(channel);
}

void channel_enter(struct channel *channel, enum channel_state state)
{
    CHECK(may_enter[channel->state][state]);
    channel->state = state;
}

static void set_epoch(struct channel *channel, struct text epoch)
{
    if (channel->epoch != NULL && text_equal(text(channel->epoch), epoch))
        return;
    free(channel->epoch);
    channel->epoch = xstrndup(epoch.at, epoch.len);
}

bool channel_has_epoch(const struct channel *channel, struct text epoch)
{
    return epoch.len == 0 || channel->epoch == NULL || text_equal(text(channel->epoch), epoch);
}

void channel_place(struct channel *channel, uint64_t offset, struct text epoch)
{
    if (epoch.len > 0)
        set_epoch(channel, epoch);
    channel->began = offset;
    channel->next = offset + 1;
    channel->top = channel->revised = offset;
    for (struct parcel **at = &channel->held; *at != NULL;) {
        if ((*at)->offset <= offset || !channel_has_epoch(channel, (*at)->epoch)) {
            drop_held(channel, at);
        } else {
            channel->top = (*at)->offset;
            at = &(*at)->next;
        }
    }
}

enum channel_verdict channel_judge(const struct channel *channel, uint64_t offset)
{
    if (!channel->streamed || offset == 0)
        return CHANNEL_NEXT; /* outside the log */
    if (channel->state == CHANNEL_OPENING || offset > channel->next)
        return CHANNEL_EARLY;
    return offset == channel->next ? CHANNEL_NEXT : CHANNEL_REPEAT;
}

/* Where the parcel with this offset is, or has to be. */
static struct parcel **held_place(struct channel *channel, uint64_t offset)
{
    struct parcel **at = &channel->held;

    while (*at != NULL && (*at)->offset < offset)
        at = &(*at)->next;
    return at;
}

static bool has_room(const struct channel *channel, const struct parcel *parcel)
{
    const struct hold_store *store = channel->store;

    return channel->held_count < store->max_count &&
           store->bytes + parcel->bytes <= store->max_bytes;
}

/* The latest go, since the API can be asked for them all the same. False: that is `parcel` itself. */
static bool make_room(struct channel *channel, const struct parcel *parcel)
{
    while (!has_room(channel, parcel)) {
        struct parcel **last = &channel->held;
        channel->store->let_go++;
        while (*last != NULL && (*last)->next != NULL)
            last = &(*last)->next;
        if (*last == NULL || (*last)->offset <= parcel->offset)
            return false;
        drop_held(channel, last);
    }
    return true;
}

bool channel_hold(struct channel *channel, struct parcel *parcel)
{
    struct parcel **at = held_place(channel, parcel->offset);

    channel_expect(channel, parcel->offset);
    if (*at != NULL && (*at)->offset == parcel->offset)
        return false;
    if (!make_room(channel, parcel)) /* `at` stays: who goes is there or behind */
        return false;
    parcel->next = *at;
    *at = parcel_ref(parcel);
    channel->held_count++;
    channel->store->bytes += parcel->bytes;
    return true;
}

struct parcel *channel_next_held(struct channel *channel)
{
    while (channel->held != NULL && channel->held->offset < channel->next)
        drop_held(channel, &channel->held);
    struct parcel *parcel = channel->held;
    if (parcel == NULL || parcel->offset != channel->next)
        return NULL;
    channel->held = parcel->next;
    parcel->next = NULL;
    channel->held_count--;
    channel->store->bytes -= parcel->bytes;
    return parcel;
}

bool channel_is_listened_to(const struct channel *channel)
{
    for (uint32_t i = 0; i < channel->loop_count; i++)
        if (channel->given[i].full > 0 || channel->given[i].member > 0)
            return true;
    return false;
}

bool channel_is_followed(const struct channel *channel)
{
    for (uint32_t i = 0; i < channel->loop_count; i++)
        if (channel->given[i].full > 0)
            return true;
    return false;
}
