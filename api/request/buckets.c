#include "api/request/buckets.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/counters.h"
#include "base/base.h"

#define ROW 8 /* places that a name may be at: two cache lines */

struct bucket {
    uint64_t name;
    int64_t full_at_us; /* not later than now: the place is free */
};

struct buckets {
    pthread_mutex_t lock; /* guards the places; held for a look at one row */
    size_t rows;          /* a power of two */
    struct bucket places[];
};

struct buckets *buckets_create(size_t places)
{
    size_t rows = 1;

    while (rows * ROW < places)
        rows *= 2;
    struct buckets *buckets = xcalloc(1, sizeof(*buckets) + rows * ROW * sizeof(buckets->places[0]));
    buckets->rows = rows;
    pthread_mutex_init(&buckets->lock, NULL);
    return buckets;
}

void buckets_destroy(struct buckets *buckets)
{
    if (buckets == NULL)
        return;
    pthread_mutex_destroy(&buckets->lock);
    free(buckets);
}

static struct bucket *row_of(struct buckets *buckets, uint64_t name)
{
    return buckets->places + (name & (buckets->rows - 1)) * ROW;
}

static struct bucket *find(struct buckets *buckets, uint64_t name)
{
    struct bucket *row = row_of(buckets, name);

    for (size_t i = 0; i < ROW; i++)
        if (row[i].name == name)
            return &row[i];
    return NULL;
}

int64_t buckets_used_us(struct buckets *buckets, uint64_t name, int64_t now_us)
{
    pthread_mutex_lock(&buckets->lock);
    const struct bucket *bucket = find(buckets, name);
    const int64_t used_us = bucket != NULL ? bucket->full_at_us - now_us : 0;
    pthread_mutex_unlock(&buckets->lock);
    return used_us > 0 ? used_us : 0;
}

int64_t buckets_wait_us(struct buckets *buckets, uint64_t name, struct bucket_rate rate, int64_t now_us)
{
    const int64_t late_us = buckets_used_us(buckets, name, now_us) + rate.interval_us - rate.room_us;
    return late_us > 0 ? late_us : 0;
}

void buckets_set(struct buckets *buckets, uint64_t name, int64_t used_us, int64_t now_us)
{
    pthread_mutex_lock(&buckets->lock);
    struct bucket *place = find(buckets, name), *row = row_of(buckets, name);

    for (size_t i = 0; place == NULL && i < ROW; i++)
        if (row[i].full_at_us <= now_us)
            place = &row[i];
    if (place == NULL) {
        place = row;
        for (size_t i = 1; i < ROW; i++)
            if (row[i].full_at_us < place->full_at_us)
                place = &row[i];
        counter_add(COUNTER_LIMITS_FORGOTTEN, 1);
    }
    *place = (struct bucket){name, now_us + used_us};
    pthread_mutex_unlock(&buckets->lock);
}
