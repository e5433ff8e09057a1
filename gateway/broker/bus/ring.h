/*
 * ring: recent publications of a channel, for recovery without asking anybody: parcels that were
 * delivered, contiguous. All rings of the process live under one budget in bytes; the oldest
 * publication of all goes first. Broker's thread.
 */
#pragma once

#include "gateway/mail/parcel.h"

struct ring;

struct ring_entry {
    struct ring *ring;
    struct parcel *parcel;
    struct ring_entry *newer;       /* in its ring */
    struct ring_entry *prev, *next; /* in the store, by age */
};

/* Zero-initialised is empty and valid. */
struct ring {
    struct ring_entry *oldest, *newest;
    uint32_t count;
};

struct ring_store {
    struct ring_entry *entries;
    size_t bytes, max_bytes;
    uint32_t max_count; /* of one ring */
    uint64_t evictions; /* for want of bytes */
};

/* Takes a reference of its own. One that does not follow the newest one empties the ring first.
 */
void ring_add(struct ring_store *store, struct ring *ring, struct parcel *parcel);
/*
 * Puts what is older before what is there: parcels ascending and without a gap; those that are there
 * already are passed over. Does nothing when they do not reach up to it.
 */
void ring_extend(struct ring_store *store, struct ring *ring, struct parcel *const *parcels,
                 size_t count);
void ring_clear(struct ring_store *store, struct ring *ring);

/* The entry of `offset`; NULL: not there (any more). */
const struct ring_entry *ring_find(const struct ring *ring, uint64_t offset);
