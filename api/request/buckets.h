/*
 * buckets: how much of a rate is used up, in this process' memory, for as many names as there is room.
 *
 * A bucket is one number, the time at which it will be full again (GCRA); a full one is not kept. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buckets;

/* One token comes back each `interval_us`; a full bucket has `interval_us * burst` of them, as time. */
struct bucket_rate {
    int64_t interval_us;
    int64_t room_us;
};

/*
 * Rounds `places` up to a power of two, each of 16 bytes. When more names are in use, the fullest of those that share a row of eight
 * places is forgotten, and counted (limits_forgotten): its owner gets at most what a burst is, once more.
 */
struct buckets *buckets_create(size_t places);
void buckets_destroy(struct buckets *buckets);

/* How long until there is a token: 0 when there is one now. */
int64_t buckets_wait_us(struct buckets *buckets, uint64_t name, struct bucket_rate rate, int64_t now_us);

/* How much of it is used up, as time until it is full. */
int64_t buckets_used_us(struct buckets *buckets, uint64_t name, int64_t now_us);

/* Notes what is known from elsewhere; 0: it is full. */
void buckets_set(struct buckets *buckets, uint64_t name, int64_t used_us, int64_t now_us);
