/*
 * cache_reply: hiredis reads replies straight into what the cache's callers see: one buffer for all texts of
 * an array, instead of three allocations and a copy for each.
 */
#pragma once

#include <hiredis/hiredis.h>

#include "api/store/cache.h"

/*
 * What a redisReader makes of a reply under cache_reply_functions. hiredis itself looks at the `type` of a
 * reply: so it begins like a redisReply, whose `type` is set, and of an error `str` and `len` (within `is`).
 */
struct cache_reply_object {
    redisReply head;
    struct cache_reply is; /* may be taken out: the object then has nothing left to free */
};

extern redisReplyObjectFunctions cache_reply_functions;

struct cache_reply cache_reply_take(struct cache_reply_object *object);
