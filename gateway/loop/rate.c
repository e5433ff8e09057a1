#include "gateway/loop/rate.h"

#include <stdlib.h>

#include "base/base.h"

#define MS_US 1000

struct rate {
    int64_t used_us[RATE_COMMANDS]; /* [0]: of all commands together */
};

struct rate *rate_create(const struct rate_settings *settings)
{
    return settings->enabled ? xcalloc(1, sizeof(struct rate)) : NULL;
}

void rate_destroy(struct rate *rate)
{
    free(rate);
}

bool rate_rests(const struct rate *rate, int64_t now_ms)
{
    for (size_t i = 0; rate != NULL && i < RATE_COMMANDS; i++)
        if (rate->used_us[i] > now_ms * MS_US)
            return false;
    return true;
}

/* What it would be used up to with one more; -1: that is too much. */
static int64_t use(int64_t used_us, const struct rate_bucket *bucket, int64_t now_us)
{
    const int64_t interval_us = bucket->interval_ms * MS_US;
    const int64_t next_us =
        (used_us > now_us ? used_us : now_us) + interval_us / bucket->rate;

    return next_us > now_us + interval_us ? -1 : next_us;
}

bool rate_passes(struct rate *rate, const struct rate_settings *settings, enum command_kind kind,
                 int64_t now_ms)
{
    const int places[] = {0, (int)kind};
    int64_t used_us[ARRAY_COUNT(places)];

    if (rate == NULL)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        const struct rate_bucket *bucket = &settings->commands[places[i]];
        used_us[i] = bucket->rate == 0 ? 0 : use(rate->used_us[places[i]], bucket, now_ms * MS_US);
        if (used_us[i] < 0)
            return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(places); i++)
        rate->used_us[places[i]] = used_us[i];
    return true;
}
