/*
 * idempotency: what publications with a key were answered, so that a repeated one gets the same
 * answer and is not published again. Kept for some time, within a bound in bytes: over it the
 * oldest go first. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define IDEMPOTENCY_MAX_BYTES (32 << 20)

struct kept_answer;

struct idempotency {
    int64_t ttl_ms;
    size_t max_bytes;
    struct kept_answer *map, *oldest; /* the same ones: by channel and key, by age */
    size_t bytes;
};

void idempotency_init(struct idempotency *idempotency, int64_t ttl_ms, size_t max_bytes);
void idempotency_fini(struct idempotency *idempotency);

struct idempotency_answer {
    uint64_t position;
    struct text epoch;
};

/* False: not known. `answer` borrows until the next call of another function. */
bool idempotency_find(const struct idempotency *idempotency, struct text channel, struct text key,
                      struct idempotency_answer *answer);
/* Copies. It must not be known. */
void idempotency_add(struct idempotency *idempotency, struct text channel, struct text key,
                     const struct idempotency_answer *answer, int64_t now_ms);
void idempotency_expire(struct idempotency *idempotency, int64_t now_ms);
