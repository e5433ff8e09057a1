#include "gateway/loop/hub.h"

#include <stdlib.h>

#define FIRST_CAP 2

struct hub {
    struct hub_events events;
    void *context;
    struct hub_channel *channels;
};

struct hub *hub_create(const struct hub_events *events, void *context)
{
    struct hub *hub = xcalloc(1, sizeof(*hub));

    hub->events = *events;
    hub->context = context;
    return hub;
}

void hub_destroy(struct hub *hub)
{
    if (hub == NULL)
        return;
    CHECK(hub->channels == NULL);
    free(hub);
}

/* ---- channels ---- */

struct hub_channel *hub_find(struct hub *hub, struct text name)
{
    struct hub_channel *channel;

    HASH_FIND(hh, hub->channels, name.at, name.len, channel);
    return channel;
}

static struct hub_channel *create_channel(struct hub *hub, struct text name)
{
    struct hub_channel *channel = xcalloc(1, sizeof(*channel) + name.len);

    channel->name_len = (uint32_t)name.len;
    memcpy(channel->name, name.at, name.len);
    HASH_ADD_KEYPTR(hh, hub->channels, channel->name, name.len, channel);
    return channel;
}

static void destroy_channel(struct hub *hub, struct hub_channel *channel)
{
    hub->events.dying(hub->context, channel);
    HASH_DEL(hub->channels, channel);
    free(channel->full.at);
    free(channel->summary.at);
    free(channel);
}

struct hub_channel *hub_given(struct hub *hub, struct text name, uint32_t full, uint32_t member)
{
    struct hub_channel *channel = hub_find(hub, name);

    if (channel == NULL)
        channel = create_channel(hub, name);
    channel->given_full += full;
    channel->given_member += member;
    return channel;
}

void hub_settle(struct hub *hub, struct hub_channel *channel)
{
    const uint32_t full = channel->full.count == 0 ? channel->given_full : 0;
    const uint32_t member = channel->members == 0 ? channel->given_member : 0;

    channel->given_full -= full;
    channel->given_member -= member;
    if (full != 0 || member != 0)
        hub->events.release(hub->context, hub_channel_name(channel), full, member);
    if (channel->full.count == 0 && channel->members == 0)
        destroy_channel(hub, channel);
}

/* ---- listeners ---- */

static struct listeners *listeners_of(struct hub_channel *channel, unsigned flags)
{
    if ((flags & HUB_FULL) != 0)
        return &channel->full;
    return (flags & HUB_MEMBER) != 0 ? &channel->summary : NULL;
}

static void enlist(struct follower *follower, uint32_t place)
{
    struct subscription *sub = &follower->subs[place];
    struct listeners *listeners = listeners_of(sub->channel, sub->flags);

    if (listeners->count == listeners->cap) {
        listeners->cap = listeners->cap == 0 ? FIRST_CAP : listeners->cap * 2;
        listeners->at = xrealloc(listeners->at, listeners->cap * sizeof(*listeners->at));
    }
    sub->slot = listeners->count++;
    listeners->at[sub->slot] = (struct listener_slot){follower, place};
}

/* The last listener moves into the gap. */
static void delist(struct follower *follower, uint32_t place)
{
    const struct subscription *sub = &follower->subs[place];
    struct listeners *listeners = listeners_of(sub->channel, sub->flags);
    const struct listener_slot moved = listeners->at[--listeners->count];

    listeners->at[sub->slot] = moved;
    moved.follower->subs[moved.place].slot = sub->slot;
    if (listeners->cap > 16 && listeners->count < listeners->cap / 4) {
        listeners->cap /= 2;
        listeners->at = xrealloc(listeners->at, listeners->cap * sizeof(*listeners->at));
    }
}

static struct subscription *find_among(const struct listeners *listeners,
                                       const struct follower *follower)
{
    for (uint32_t i = 0; i < listeners->count; i++)
        if (listeners->at[i].follower == follower)
            return &follower->subs[listeners->at[i].place];
    return NULL;
}

/* Somebody may have thousands of channels, a channel thousands of listeners: seldom both. */
struct subscription *hub_subscription(const struct follower *follower,
                                      const struct hub_channel *channel)
{
    struct subscription *found;

    if (channel->full.count + channel->summary.count < follower->count) {
        found = find_among(&channel->full, follower);
        return found != NULL ? found : find_among(&channel->summary, follower);
    }
    for (uint32_t i = 0; i < follower->count; i++)
        if (follower->subs[i].channel == channel)
            return &follower->subs[i];
    return NULL;
}

/* Changes what a subscription is; with no flags left it is taken out. The counts of the channel are
 * kept right. */
static void set_flags(struct follower *follower, uint32_t place, unsigned flags)
{
    struct subscription *sub = &follower->subs[place];
    struct hub_channel *channel = sub->channel;
    const bool moves = listeners_of(channel, sub->flags) != listeners_of(channel, flags);

    if (moves && sub->flags != 0)
        delist(follower, place);
    channel->members += (flags & HUB_MEMBER) / HUB_MEMBER;
    channel->members -= (sub->flags & HUB_MEMBER) / HUB_MEMBER;
    follower->full_count += (flags & HUB_FULL) / HUB_FULL;
    follower->full_count -= (sub->flags & HUB_FULL) / HUB_FULL;
    sub->flags = flags;
    if (moves && flags != 0)
        enlist(follower, place);
}

static uint32_t add_sub(struct follower *follower, struct hub_channel *channel)
{
    if (follower->count == follower->cap) {
        follower->cap = follower->cap == 0 ? FIRST_CAP : follower->cap * 2;
        follower->subs = xrealloc(follower->subs, follower->cap * sizeof(*follower->subs));
    }
    follower->subs[follower->count] = (struct subscription){.channel = channel};
    return follower->count++;
}

static void remove_sub(struct follower *follower, uint32_t place)
{
    const uint32_t last = --follower->count;

    if (place == last)
        return;
    follower->subs[place] = follower->subs[last];
    const struct subscription *moved = &follower->subs[place];
    listeners_of(moved->channel, moved->flags)->at[moved->slot].place = place;
}

unsigned hub_flags(const struct follower *follower, const struct hub_channel *channel)
{
    const struct subscription *sub = hub_subscription(follower, channel);

    return sub != NULL ? sub->flags : 0;
}

void hub_follow_first(struct follower *follower, struct hub_channel *channel, unsigned flags)
{
    set_flags(follower, add_sub(follower, channel), flags);
}

void hub_follow(struct follower *follower, struct hub_channel *channel, unsigned flags)
{
    const struct subscription *sub = hub_subscription(follower, channel);
    const uint32_t place =
        sub != NULL ? (uint32_t)(sub - follower->subs) : add_sub(follower, channel);

    set_flags(follower, place, follower->subs[place].flags | flags);
}

static void forget_extra(struct hub *hub, struct subscription *sub)
{
    if (sub->extra != NULL)
        hub->events.forget(sub->extra);
    sub->extra = NULL;
}

void hub_unfollow(struct hub *hub, struct follower *follower, struct hub_channel *channel,
                  unsigned flags)
{
    struct subscription *sub = hub_subscription(follower, channel);

    if (sub == NULL)
        return;
    const uint32_t place = (uint32_t)(sub - follower->subs);
    if ((flags & HUB_FULL) != 0) {
        flags |= ~(unsigned)HUB_MEMBER; /* all that is of a full listener */
        forget_extra(hub, sub);
    }
    set_flags(follower, place, sub->flags & ~flags);
    if (follower->subs[place].flags == 0)
        remove_sub(follower, place);
    hub_settle(hub, channel);
}

void hub_leave_all(struct hub *hub, struct follower *follower)
{
    while (follower->count > 0) {
        struct hub_channel *channel = follower->subs[follower->count - 1].channel;
        forget_extra(hub, &follower->subs[follower->count - 1]);
        set_flags(follower, follower->count - 1, 0);
        follower->count--;
        hub_settle(hub, channel);
    }
    free(follower->subs);
    *follower = (struct follower){0};
}

/* ---- delivery ---- */

static size_t send_to(struct hub *hub, const struct listeners *listeners, struct parcel *parcel)
{
    void (*const send)(struct follower *, struct subscription *, struct parcel *) =
        hub->events.send;

    for (uint32_t i = 0; i < listeners->count; i++) {
        const struct listener_slot *slot = &listeners->at[i];
        send(slot->follower, &slot->follower->subs[slot->place], parcel);
    }
    return listeners->count;
}

size_t hub_deliver(struct hub *hub, struct hub_channel *channel, struct parcel *parcel)
{
    return send_to(hub, &channel->full, parcel);
}

size_t hub_deliver_summary(struct hub *hub, struct hub_channel *channel, struct parcel *parcel)
{
    return send_to(hub, &channel->summary, parcel);
}

size_t hub_channel_count(const struct hub *hub)
{
    return HASH_COUNT(hub->channels);
}

const struct hub_channel *hub_next(const struct hub *hub, const struct hub_channel *channel)
{
    return channel == NULL ? hub->channels : channel->hh.next;
}
