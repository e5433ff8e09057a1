/*
 * ended: sessions that ended lately, so that an answer that was overtaken by the end grants
 * nothing. Remembered for one token's life; of more than `max` the oldest is forgotten. Broker's
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

struct ended_session;

struct ended {
    struct ended_session *map, *oldest; /* the same ones: by id, by age */
    size_t max;
    int64_t keep_ms;
    uint64_t forgotten; /* before their time, that nobody has counted yet */
    uint64_t number; /* the API's list is known up to here; 0: not known yet */
};

void ended_add(struct ended *ended, int64_t session, int64_t now_ms);
bool ended_has(const struct ended *ended, int64_t session);
void ended_forget(struct ended *ended, int64_t now_ms); /* what is too old */
void ended_fini(struct ended *ended);
