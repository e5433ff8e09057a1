/*
 * presence: who is in a channel, as the gateways say. In Redis alone: never touches SQL, and is gone when Redis is; the gateways
 * say it again every some seconds, and what is not said again for presence.life_ms counts no more.
 */
#pragma once

#include "api/worker.h"
#include "base/err.h"
#include "bus/wire.h"

/*
 * From a task: stores one gateway's steps, but those that are unlisted; of two sayings about one client the one with the higher number
 * wins.
 */
MUST_CHECK enum err presence_store(struct worker *worker, const Bus__PresenceChange *change);

/* Somebody who is there. */
struct present {
    struct text client, user, conn_info, chan_info;
};

/*
 * From a task: calls `each` for some of those in the channel, from `*cursor` on (0: the first), which moves on (0: there are no more).
 * Who is there all the time comes at least once, perhaps again. Few are all there are in one call. ERR_UNAVAILABLE: Redis is away.
 */
MUST_CHECK enum err presence_some(struct worker *worker, struct text channel, uint64_t *cursor,
                                  void (*each)(void *context, const struct present *present), void *context);
