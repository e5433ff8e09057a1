#include "gateway/metrics_histogram.h"

const int64_t METRICS_BOUNDS_US[METRICS_BOUND_COUNT] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 5000000,
};

void metrics_histogram_add(struct metrics_histogram *histogram, int64_t took_us)
{
    size_t bucket = 0;

    while (bucket < METRICS_BOUND_COUNT && took_us > METRICS_BOUNDS_US[bucket])
        bucket++;
    metrics_count(&histogram->counts[bucket], 1);
    metrics_count(&histogram->sum_us, took_us > 0 ? (uint64_t)took_us : 0);
}

void metrics_histogram_sum(const struct metrics_histogram *histogram, uint64_t *counts,
                           uint64_t *sum_us)
{
    for (size_t i = 0; i <= METRICS_BOUND_COUNT; i++)
        counts[i] += metrics_read(&histogram->counts[i]);
    *sum_us += metrics_read(&histogram->sum_us);
}
