/*
 * memory_channel: what the memory broker knows about one channel: which loops listen, who is there,
 * and its stream if it has one. Or about one pattern, which is listened to like a channel but has
 * no stream. Broker's thread.
 */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "gateway/broker/memory/stream.h"
#include "gateway/channels/namespace.h"
#include "gateway/protocol/reply.h"

/* Somebody who is there, and how often: it counts in presence by its name. */
struct memory_user {
    uint32_t count;
    UT_hash_handle hh;
    uint32_t name_len;
    char name[];
};

/* A connection that is there and wants others to know. */
struct memory_member {
    struct client_info info;
    struct memory_user *user; /* it is shown in presence; NULL: it is not */
    bool tells_join_leave;
    uint32_t count; /* subscriptions that were granted and not ended yet: a new one may be granted
                       before the end of the old one is told */
    UT_hash_handle hh; /* by client id */
    char bytes[];      /* of the texts */
};

struct memory_channel {
    const struct namespace *namespace;
    struct stream *stream; /* NULL: none */
    struct memory_member *members;
    struct memory_user *users;
    uint32_t shown_count; /* members that are in presence */
    uint32_t holds;       /* somebody works on it */
    bool is_pattern;
    bool strayed; /* after the last publication of the stream others went out that are not in it */
    struct memory_channel *prev, *next; /* of all patterns */
    UT_hash_handle hh;
    uint32_t loop_count, listened; /* listened: sum of `given` */
    uint32_t name_len;
    char *name;       /* behind `given` */
    uint32_t given[]; /* references that each loop holds (gateway/loop/hub.h) */
};

static inline struct text memory_channel_name(const struct memory_channel *channel)
{
    return text_of(channel->name, channel->name_len);
}

struct memory_channel *memory_channel_create(struct text name, const struct namespace *namespace,
                                             unsigned loop_count);
void memory_channel_destroy(struct memory_channel *channel); /* no stream any more */

void memory_channel_give(struct memory_channel *channel, unsigned loop);
void memory_channel_take_back(struct memory_channel *channel, unsigned loop, uint32_t count);

/* Nobody needs it. */
static inline bool memory_channel_is_idle(const struct memory_channel *channel)
{
    return channel->holds == 0 && channel->listened == 0 && channel->members == NULL &&
           channel->stream == NULL;
}

/* ---- who is there ---- */

struct memory_member *memory_channel_member(const struct memory_channel *channel,
                                            struct text client); /* NULL: not there */
/* Copies `info`, in place of what was known of this client. */
void memory_channel_enter(struct memory_channel *channel, const struct client_info *info,
                          bool tells_presence, bool tells_join_leave);
/* One of its subscriptions has ended; true: it was the last, and memory_channel_remove() follows.
 */
bool memory_member_leave(struct memory_member *member);
void memory_channel_remove(struct memory_channel *channel, struct memory_member *member);
