/*
 * proxy_counts: what the calls of one proxy came to and how long they took. Any thread.
 */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "gateway/outside/proxy_answer.h"

#define PROXY_BUCKET_COUNT 13 /* proxy_counts_bounds_us, and one for what took longer */

struct proxy_counts {
    _Atomic uint64_t outcomes[PROXY_FAILED + 1];  /* a rise of PROXY_FAILED: the back end is slow,
                                                     gone or wrong */
    _Atomic uint64_t refused;                     /* not asked: too many at once */
    _Atomic uint64_t unfit;                       /* not asked: what the client sent is no JSON */
    _Atomic uint64_t open;                        /* at present */
    _Atomic uint64_t took_us;                     /* the sum */
    _Atomic uint64_t buckets[PROXY_BUCKET_COUNT]; /* each counts its own calls only */
};

extern const int64_t proxy_counts_bounds_us[PROXY_BUCKET_COUNT - 1];

void proxy_counts_add(struct proxy_counts *counts, enum proxy_outcome outcome, int64_t took_us);
