/*
 * metrics_histogram: how long something took, counted in buckets. Written by one thread, read by
 * any.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_BOUND_COUNT 14

/* The upper ends of the buckets in microseconds, rising; one more is for what takes longer. */
extern const int64_t METRICS_BOUNDS_US[METRICS_BOUND_COUNT];

/* One writer: no need for a locked instruction. */
static inline void metrics_count(_Atomic uint64_t *counter, uint64_t count)
{
    const uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + count, memory_order_relaxed);
}

static inline uint64_t metrics_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct metrics_histogram {
    _Atomic uint64_t counts[METRICS_BOUND_COUNT + 1]; /* each bucket for itself */
    _Atomic uint64_t sum_us;
};

void metrics_histogram_add(struct metrics_histogram *histogram, int64_t took_us);

/* Adds it up: `counts` has METRICS_BOUND_COUNT + 1 fields. */
void metrics_histogram_sum(const struct metrics_histogram *histogram, uint64_t *counts,
                           uint64_t *sum_us);
