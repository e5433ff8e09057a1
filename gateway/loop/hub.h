/*
 * hub: which clients of one loop listen to which channel, and how a frame reaches them.
 *
 * A listener of a channel is *full* (subscribed: gets every frame) or *summary* (member of a room
 * only: gets its `chats` line), never both: a member who subscribes is moved from one dense array
 * to the other, and back. Removal is by swap. Nothing is allocated per delivery.
 *
 * The broker sends this loop what is published on a channel as long as the loop has *references* to
 * it. The broker gives them along with its answers and publications (hub_given()), of two kinds;
 * they are given back, all at once, when the last listener of that kind has left. Loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "base/base.h"
#include "base/text.h"

struct follower;
struct parcel;
struct sub_extra;

struct listener_slot {
    struct follower *follower;
    uint32_t place; /* index in the follower's subscriptions */
};

struct listeners {
    struct listener_slot *at;
    uint32_t count, cap;
};

struct hub_channel {
    struct listeners full, summary;
    uint32_t members; /* listeners that are members, also those that are full now */
    uint32_t given_full, given_member; /* references of the broker that are held */
    struct chats_window *window; /* chats.c: lines of this room that went out lately; NULL: none */
    struct parcel *newest; /* chats.c: what the newest line tells, while anybody follows fully; NULL: nothing */
    UT_hash_handle hh;
    uint32_t name_len;
    char name[];
};

static inline struct text hub_channel_name(const struct hub_channel *channel)
{
    return text_of(channel->name, channel->name_len);
}

enum {
    HUB_FULL = 1,
    HUB_MEMBER = 2,
    /* Of a full listener; they end with it. */
    HUB_JOIN_LEAVE = 4,    /* wants to know who comes and goes */
    HUB_SERVER = 8,        /* the server's doing, not the client's */
    HUB_POSITIONED = 16,   /* told its position: must hear of a gap */
    HUB_PRESENT = 32,      /* the broker lists it: must hear when it leaves */
    HUB_DELTA = 64,        /* takes deltas */
    HUB_DELTA_READY = 128, /* and has got the publication before the next one */
    HUB_FILTERED = 256,    /* wants some publications only: extra->filter */
};

struct subscription {
    struct hub_channel *channel;
    uint32_t slot; /* in channel->full or channel->summary */
    uint32_t flags;
    struct sub_extra *extra; /* of a full one: what few have (subscription.h); NULL: nothing */
};

/* The part of a client that the hub knows; embedded there. Zero-initialised is valid. */
struct follower {
    struct subscription *subs;
    uint32_t count, cap;
    uint32_t full_count; /* how many of them are HUB_FULL */
};

struct hub;

struct hub_events {
    /* Queues what the follower gets of it. Must not change the hub but for flags of `sub`: whoever
     * has to go is closed later. */
    void (*send)(struct follower *follower, struct subscription *sub, struct parcel *parcel);
    /* A full subscription has ended: frees it. */
    void (*forget)(struct sub_extra *extra);
    /* So many references go back to the broker. `name` is borrowed. */
    void (*release)(void *context, struct text name, uint32_t full, uint32_t member);
    /* The last listener of either kind has left: the channel dies after this call. */
    void (*dying)(void *context, struct hub_channel *channel);
};

struct hub *hub_create(const struct hub_events *events, void *context);
void hub_destroy(struct hub *hub); /* every follower must have left */

struct hub_channel *hub_find(struct hub *hub, struct text name); /* NULL: nobody here listens */

/*
 * The broker gave references to `name`. Creates the channel; hub_settle() must follow when the
 * followers they were meant for are in: it gives back what nobody needs.
 */
struct hub_channel *hub_given(struct hub *hub, struct text name, uint32_t full, uint32_t member);
void hub_settle(struct hub *hub, struct hub_channel *channel); /* `channel` may be gone after it */

/* Adds `flags` to what the follower is there. Doing it twice is the same as once. */
void hub_follow(struct follower *follower, struct hub_channel *channel, unsigned flags);
/* The same for one who is surely not there yet: does not look through all of the follower's
 * channels. */
void hub_follow_first(struct follower *follower, struct hub_channel *channel, unsigned flags);
/* Takes them away. The channel may be gone after it. HUB_FULL takes all that is of a full listener
 * with it. */
void hub_unfollow(struct hub *hub, struct follower *follower, struct hub_channel *channel,
                  unsigned flags);
void hub_leave_all(struct hub *hub, struct follower *follower); /* and frees its array */

/* The follower's place in the channel; NULL: none. Valid until it follows or unfollows any. */
struct subscription *hub_subscription(const struct follower *follower,
                                      const struct hub_channel *channel);
/* Its flags there; 0: none. */
unsigned hub_flags(const struct follower *follower, const struct hub_channel *channel);

/* Sends to all full listeners, to all summary ones; returns to how many. */
size_t hub_deliver(struct hub *hub, struct hub_channel *channel, struct parcel *parcel);
size_t hub_deliver_summary(struct hub *hub, struct hub_channel *channel, struct parcel *parcel);

size_t hub_channel_count(const struct hub *hub);
/* All channels one after the other, from NULL on; NULL at the end. */
const struct hub_channel *hub_next(const struct hub *hub, const struct hub_channel *channel);
