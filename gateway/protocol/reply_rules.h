/*
 * reply_rules: what both formats of reply.h do alike. For reply*.c alone. Any thread.
 */
#pragma once

#include "gateway/protocol/codes.h"
#include "gateway/protocol/reply.h"

/*
 * The `ttl` to write with `expires`: at least 1, since the Python client looks for it wherever
 * something expires. 0 = neither is written.
 */
static inline uint32_t reply_ttl(bool expires, uint32_t ttl)
{
    return !expires ? 0 : ttl > 0 ? ttl : 1;
}

/* The epoch goes with the first publication only, to clients that subscribed before there was one.
 */
static inline struct text reply_epoch(const struct publication *publication)
{
    return publication->offset == 1 ? publication->epoch : (struct text){0};
}

/* Messages and reasons are never empty: the Python client asks for them. */
static inline struct text reply_words(struct text given, const char *otherwise)
{
    return given.len > 0 ? given : text(otherwise);
}

#define REPLY_DISCONNECT_REASON "disconnect" /* of a code that came without words */

/* The member of Reply that answers `kind` when there is nothing to say: {"publish":{}}. */
struct reply_member {
    const char *name;
    uint32_t number;
};
struct reply_member reply_member_of(enum command_kind kind);
