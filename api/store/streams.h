/*
 * streams: the streams of the operator's channels, in Redis: an epoch, the offset of the last publication, and the last publications.
 *
 * Unlike the cache, Redis is the truth here: what it forgets is gone, and shows as a new epoch. So they have a connection of their own,
 * with more patience, and keys that no generation changes: one Redis (database) belongs to one installation. All from tasks;
 * ERR_UNAVAILABLE: Redis is away, or did not say in time whether it did what it was told.
 */
#pragma once

#include "api/settings.h"
#include "api/store/cache.h"
#include "base/err.h"

#define STREAM_EPOCH_MAX 16

struct cache *streams_open(uv_loop_t *loop, const struct settings *settings); /* cache_close() */

/* A publication to be. */
struct stream_draft {
    struct text channel, item; /* item: any bytes */
    uint32_t size;             /* how many are kept; 0: there is no stream, only the answer is remembered */
    int64_t ttl_ms;            /* after the last publication all that are kept go */
    int64_t meta_ttl_ms;       /* after the last use epoch and offset go */
    struct text key;           /* idempotency key; empty: none */
    int64_t key_ttl_ms;
    uint64_t version;          /* 0: none */
    struct text version_epoch;
    uint64_t id;               /* of the question */
};

enum stream_verdict {
    STREAM_PUT,     /* it is new */
    STREAM_SKIPPED, /* this or a later version was there */
    STREAM_KNOWN,   /* its key was there: the answer of then */
    STREAM_AGAIN,   /* this very question was asked before: it is in the stream, but perhaps nobody has heard of it */
};

struct stream_place {
    enum stream_verdict verdict;
    uint64_t offset;
    char epoch[STREAM_EPOCH_MAX + 1];
};

MUST_CHECK enum err streams_put(struct cache *streams, const struct stream_draft *draft, struct stream_place *place);

/* Which publications: those after `offset`, or (`reverse`) before it, the nearest first; without an offset from that end. */
struct stream_range {
    struct text channel;
    uint64_t offset;
    bool has_offset, reverse;
    uint32_t limit, bytes; /* no more than that, but one at least */
    int64_t meta_ttl_ms;
};

struct stream_page {
    uint64_t top, first; /* first: offset of item 0; the others follow upwards or (`reverse`) downwards */
    char epoch[STREAM_EPOCH_MAX + 1];
    size_t count;
    struct cache_reply reply; /* holds the items */
};

/* A stream that is not there is made. */
MUST_CHECK enum err streams_read(struct cache *streams, const struct stream_range *range, struct stream_page *page);
struct text stream_item(const struct stream_page *page, size_t i);
void stream_page_fini(struct stream_page *page);

struct stream_top {
    struct text channel;  /* in */
    int64_t meta_ttl_ms;  /* in */
    uint64_t offset;      /* out, as `epoch` */
    char epoch[STREAM_EPOCH_MAX + 1];
};

/* Where each of them stands; those that are not there are made. */
MUST_CHECK enum err streams_tops(struct cache *streams, struct stream_top *tops, size_t count);

/* Its publications are gone, its position stays. */
MUST_CHECK enum err streams_clear(struct cache *streams, struct text channel);
