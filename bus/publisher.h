/*
 * publisher: the API's voice on the bus: a pub0 socket, batches with running numbers, heartbeats,
 * and what was sent lately for Replay. One per process; any thread (it numbers under a lock of its
 * own).
 *
 * The bus may lose anything, also what this says it sent: gateways see the holes.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "bus/wire.h"

struct publisher;

/* Which publisher, and how far it is. */
struct publisher_place {
    uint64_t id;     /* 0: none */
    uint64_t number; /* of its latest batch; 0: none yet */
    uint64_t said;   /* messages that it has sent, heartbeats too */
};

struct publisher_config {
    const char *url;    /* "tcp://127.0.0.1:7800" */
    struct text secret; /* bus key; empty is refused unless `url` is loopback */
    int heartbeat_ms;   /* a batch without items after so long a silence, e.g. 200 */
    int queue_limit;    /* messages that wait for each gateway, at most 8192 (NNG's most), e.g. 1024;
                           of more the oldest goes. NNG's default of 16 loses bursts */
    int keep_ms;        /* how long sent batches stay for Replay, e.g. 30000 */
    size_t keep_bytes;  /* and how many bytes of them at most */
};

/* ERR_UNAVAILABLE: the address cannot be listened on (logged). ERR_INVALID: no key, no loopback
 * (logged). */
MUST_CHECK enum err publisher_open(struct publisher **out, const struct publisher_config *config);
void publisher_close(
    struct publisher *publisher); /* lingers some ms for what is under way; NULL does nothing */

/* What is kept for Replay. */
struct publisher_kept {
    size_t bytes;
    uint64_t forgotten; /* batches that went before `keep_ms`, for want of bytes */
};
struct publisher_kept publisher_kept(struct publisher *publisher);

uint64_t publisher_id(const struct publisher *publisher);
struct publisher_place publisher_place(struct publisher *publisher);

/*
 * Sends `items` as one or more batches, in order, before it returns; later calls get later numbers.
 * Splits where a batch would pass 64 KiB (one larger item goes alone; one over WIRE_MESSAGE_MAX is
 * refused and logged: the number of items sent is returned).
 */
size_t publisher_send(struct publisher *publisher, Bus__Item **items, size_t count);

/*
 * The kept batches from..to of this publisher, as sealed payloads are not wanted here but plain
 * Batch bytes: calls `each` in order for those still there, at most `bytes` in all. Under the
 * publisher's lock: `each` copies and does not call it back.
 */
void publisher_replay(struct publisher *publisher, uint64_t from, uint64_t to, size_t bytes,
                      void (*each)(void *context, struct text batch), void *context);
