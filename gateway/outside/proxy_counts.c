#include "gateway/outside/proxy_counts.h"

const int64_t proxy_counts_bounds_us[PROXY_BUCKET_COUNT - 1] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
};

void proxy_counts_add(struct proxy_counts *counts, enum proxy_outcome outcome, int64_t took_us)
{
    size_t bucket = 0;

    while (bucket < PROXY_BUCKET_COUNT - 1 && took_us > proxy_counts_bounds_us[bucket])
        bucket++;
    counts->outcomes[outcome]++;
    counts->took_us += (uint64_t)took_us;
    counts->buckets[bucket]++;
}
