/*
 * stream: one channel's publications in order: an epoch, the offset of the last one, and those that
 * are kept; and what of them a client has missed.
 *
 * Source of the rules: the protocol's sections on streams (7.1) and recovery (7.3, 7.4). All
 * streams live in one store, under one bound in bytes: over it the oldest publication of all goes
 * first. Kept publications of a stream have no gaps. Nothing here knows a clock: `now_ms` goes only
 * forward. Broker's thread.
 */
#pragma once

#include <stdbool.h>

#include "gateway/broker/memory/deadlines.h"
#include "gateway/mail/parcel.h"
#include "gateway/protocol/filter.h"

#define STREAM_EPOCH_BYTES 8

struct stream_entry;
struct stream_store;

struct stream {
    void *owner;  /* whose stream it is */
    uint64_t top; /* offset of the last publication; 0: none yet */
    char epoch[STREAM_EPOCH_BYTES];
    uint64_t version; /* of the last publication that had one */
    char *version_epoch;

    /* stream.c's: */
    struct stream_store *store;
    struct stream_entry **ring; /* `cap` places, a power of two */
    uint32_t first, count, cap;
    struct deadline items_end, meta_end;
    struct stream *prev, *next; /* of the empty ones */
};

/* Zero-initialised, but for the bounds, is empty and valid. */
struct stream_store {
    size_t max_bytes;
    size_t count;                 /* streams */
    size_t bytes;                 /* of all publications that are kept */
    uint64_t evictions;           /* publications that went for want of bytes */
    struct stream *empty;         /* streams that keep none, the longest so first */
    struct stream_entry *entries; /* of all streams, the oldest first */
    struct deadlines items, metas;
};

/* How long a stream is: its namespace's options. */
struct stream_bounds {
    size_t size;
    int64_t ttl_ms;      /* after the last publication all that is kept goes */
    int64_t meta_ttl_ms; /* after the last use the stream itself goes */
};

void stream_store_fini(struct stream_store *store); /* every stream must be destroyed */

struct stream *stream_create(struct stream_store *store, void *owner, int64_t meta_ttl_ms,
                             int64_t now_ms);
void stream_destroy(struct stream *stream);

static inline struct text stream_epoch(const struct stream *stream)
{
    return text_of(stream->epoch, STREAM_EPOCH_BYTES);
}

/* It was used: what it is lives on for `meta_ttl_ms`. */
void stream_touch(struct stream *stream, int64_t meta_ttl_ms, int64_t now_ms);

/* Takes a reference of its own. The parcel's offset must be `top` + 1. One that is larger than all
 * that may be kept is counted, but not kept. */
void stream_add(struct stream *stream, struct parcel *parcel, const struct stream_bounds *bounds,
                int64_t now_ms);
void stream_clear(struct stream *stream); /* keeps none; epoch and offset stay */

/* Was this or a later version published already? An empty `epoch` is the same as any. */
bool stream_has_version(const struct stream *stream, uint64_t version, struct text epoch);
void stream_set_version(struct stream *stream, uint64_t version, struct text epoch);

/* Drops publications whose time has passed. */
void streams_expire(struct stream_store *store, int64_t now_ms);
/* A stream whose own time has passed: destroy it, or stream_keep() it. NULL: none. */
struct stream *streams_forgotten(const struct stream_store *store, int64_t now_ms);
void stream_keep(struct stream *stream, int64_t now_ms);
/* Puts an empty stream behind the other empty ones. */
void stream_pass_over(struct stream *stream);

/* ---- reading ---- */

/* `count` publications from offset `from` on, upwards or (before) downwards. */
struct stream_range {
    uint64_t from;
    size_t count;
};

/* Those with a larger offset, from the oldest that is kept. */
struct stream_range stream_after(const struct stream *stream, uint64_t offset, size_t limit);
/* Those with a smaller one; none when the one right before it is not kept. */
struct stream_range stream_before(const struct stream *stream, uint64_t offset, size_t limit);
struct parcel *stream_at(const struct stream *stream, uint64_t offset); /* NULL: not kept */
struct parcel *stream_latest(const struct stream *stream);              /* NULL: none is kept */

/* ---- recovery ---- */

struct stream_position {
    uint64_t offset;
    struct text epoch; /* empty: any, in stream mode */
};

/*
 * All that came behind `since`, if it is known to be all and no more than `max_count` and
 * `max_bytes` (7.3). False: not recovered, `missed` is empty.
 */
bool stream_recover(const struct stream *stream, struct stream_position since, size_t max_count,
                    size_t max_bytes, struct stream_range *missed);
/*
 * In cache mode (7.4): the latest publication alone, that passes `filter` (NULL: all do). True:
 * recovered; `latest` NULL then: there is nothing to send.
 */
bool stream_recover_latest(const struct stream *stream, struct stream_position since,
                           const struct filter *filter, struct parcel **latest);
