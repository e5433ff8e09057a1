/*
 * webhooks: tells the operator's servers what happens to connections and channels.
 *
 * Each webhook has a queue, and one POST of a batch under way at a time; so its events arrive in
 * the order in which they happened, also after a failure. What was not accepted (no answer, 429,
 * 5xx) is sent again, with a pause that doubles, for as long as it takes; a receiver may get a
 * batch twice and knows the events by their `id`. Another status drops the batch: the same would be
 * refused again.
 *
 * {"node":"gw1","events":[{"id":"5f0c93d1e2a4b687-17","type":"subscribe","time_ms":1795593600000,
 * "user":"42","client":"4f2a","channel":"news"}]}
 */
#pragma once

#include <stdatomic.h>

#include "gateway/outside/fetcher.h"
#include "gateway/outside/webhook_event.h"

struct webhook_config {
    const char *name;   /* for people: logs, metrics */
    const char *url;    /* http:// or https:// */
    const char *secret; /* NULL or empty: not signed */
    unsigned kinds;     /* 1 << enum webhook_kind, for each kind wanted */
    int64_t delay_ms;   /* how long the first event of a batch waits for others */
    /* 0: the default */
    size_t batch_max, batch_max_bytes; /* 100 events, 256 KiB */
    size_t queue_max;                  /* events that wait, beside the batch under way; 10,000 */
    int64_t timeout_ms;                /* 5 s */
    int64_t retry_max_ms;              /* the longest pause; 30 s */
};

struct webhook_counts {
    _Atomic uint64_t waiting;   /* at present, without the batch under way */
    _Atomic uint64_t delivered; /* accepted with 2xx */
    _Atomic uint64_t retries;   /* batches sent again: the receiver was slow, gone or busy */
    _Atomic uint64_t dropped;   /* the queue was full: the oldest went */
    _Atomic uint64_t refused;   /* of batches dropped for their status: the receiver does not want
                                   them, or the address is wrong */
};

struct webhooks;

#define WEBHOOKS_WHY_MAX 200

/*
 * On the thread of `loop`, which may be any, or before it runs. Keeps the pointers of `config` and
 * `node` (a name for people; may be empty). NULL: something in it cannot be; `why` says what.
 */
struct webhooks *webhooks_open(uv_loop_t *loop, struct fetcher *fetcher,
                               const struct webhook_config *config, size_t count, const char *node,
                               char why[WEBHOOKS_WHY_MAX]);

/* On the loop's thread; nobody tells events any more: what waits for others is sent now. NULL does
 * nothing. */
void webhooks_finish(struct webhooks *webhooks);

/*
 * On the loop's thread; nobody may tell events any more. What is not delivered is dropped: wait for
 * webhooks_idle() where there is time. The loop runs on until the fetch under way is back, if there
 * is one; fetcher_destroy() brings it at once. NULL does nothing.
 */
void webhooks_close(struct webhooks *webhooks);

/* Any thread. Whether somebody wants to know; NULL: nobody. */
bool webhooks_want(const struct webhooks *webhooks, enum webhook_kind kind);

/* Any thread; never waits for a receiver. NULL does nothing. */
void webhooks_tell(struct webhooks *webhooks, const struct webhook_event *event);

/* On the loop's thread: all that was told is delivered or dropped. NULL is idle. */
bool webhooks_idle(const struct webhooks *webhooks);

/* For metrics: in the order of the configuration; false behind the last. */
bool webhooks_counts(const struct webhooks *webhooks, size_t index, const char **name,
                     const struct webhook_counts **counts);
