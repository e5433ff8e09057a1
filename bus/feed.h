/*
 * feed: a gateway's ear on the bus: one sub0 socket per API, batches handed to one loop.
 *
 * Checks seals, drops what is foreign, and batches of a publisher that the API did not call its own
 * (feed_trust()): a recording of an older one could be played. What was said before something that
 * was heard (Batch.said) is no sign of life: it is late, or a recording. A frame over WIRE_MESSAGE_MAX ends its
 * connection (NNG). All that is counted.
 *
 * Reports what is missing from a publisher's running numbers. Order: per publisher as received; a
 * repeat (number not above the last) is dropped, unless it was reported missing.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/publisher.h"
#include "bus/wire.h"

struct feed;

struct feed_config {
    const char *const *urls; /* events addresses of the APIs; their index is the `api` below */
    size_t url_count;
    struct text secret, other_secret; /* see seal.h */
    bool trusts_all; /* of who has the key: nobody calls feed_trust() */
    size_t inbox_limit; /* NNG messages of one API that wait for the loop, e.g. 8192 */
    size_t inbox_bytes; /* of all APIs together, e.g. 64 MiB; beyond either they are dropped and
                           counted, and found again by their numbers */
    int silence_ms; /* a publisher that says nothing (not even a heartbeat) for so long is reported
                       lost, e.g. 2000 */
};

/* All on the loop's thread. */
struct feed_events {
    /* A batch with items. Borrowed for the call. */
    void (*on_batch)(void *context, size_t api, const Bus__Batch *batch);
    /* `from`..`to` of this publisher were not received; later ones are delivered all the same,
     * before this returns or after. */
    void (*on_hole)(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to);
    /* A publisher was heard for the first time, or again after `lost` (a new id = the API was
     * started again). */
    void (*on_publisher)(void *context, size_t api, uint64_t publisher);
    void (*on_lost)(void *context, size_t api,
                    uint64_t publisher); /* its connection broke or it fell silent */
};

MUST_CHECK enum err feed_open(struct feed **out, uv_loop_t *loop, const struct feed_config *config,
                              const struct feed_events *events, void *context);
/*
 * `publisher` is the one at this API, as the API itself has just said (asker.h): batches of others are
 * dropped from now on, and what it said up to then is no sign of life. If it is the first at this API,
 * its batches up to then count as heard: they may be a recording, and the gateway asks for the state
 * anyway.
 */
void feed_trust(struct feed *feed, size_t api, const struct publisher_place *publisher);
void feed_close(struct feed *feed); /* not from inside an event; NULL does nothing */

struct feed_counters {
    uint64_t messages, bytes, holes;
    uint64_t foreign;   /* dropped: not sealed with our key, or no batch */
    uint64_t untrusted; /* dropped: of a publisher that the API did not call its own, or not yet */
    uint64_t repeats;   /* dropped: heard before, or said before what was */
    uint64_t dropped;   /* messages that found the inbox full */
    uint64_t ended;     /* connections */
};
void feed_count(const struct feed *feed, struct feed_counters *out);
