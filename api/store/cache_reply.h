/*
 * cache_reply: a reply of hiredis as the cache's callers see it: copied. Any thread.
 */
#pragma once

#include <hiredis/hiredis.h>

#include "api/store/cache.h"

void cache_reply_copy(struct cache_reply *out, const redisReply *reply); /* `out` is overwritten */
