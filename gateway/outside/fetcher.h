/*
 * fetcher: HTTP requests to the operator's servers (proxies, webhooks, JWKS), on a thread of its
 * own with libcurl. Connections are kept and used again; when one dies before a byte of the answer,
 * libcurl asks once more on a new one, so a server may see a question twice. No redirects are
 * followed, no proxy of the environment is used, certificates are verified.
 *
 * A host that hangs costs its own fetches only: at most `per_host_max` of them are under way and
 * `queue_max` wait, each until its own deadline, and the fetcher's thread waits for nobody.
 */
#pragma once

#include "gateway/outside/fetch.h"

struct fetcher;

struct fetcher_config {  /* 0: the default */
    size_t open_max;     /* under way at once, in all; 256 */
    size_t per_host_max; /* and with one host; 64 */
    size_t queue_max;    /* waiting for one host; 4096 */
};

/* Starts the thread. Call while no other thread runs yet: libcurl and OpenSSL set themselves up. */
struct fetcher *fetcher_create(const struct fetcher_config *config);

/*
 * Any thread. Takes the fetch on true; it comes back in its `home` once, never from inside this
 * call. False: too many wait for its host; the fetch stays the caller's.
 */
MUST_CHECK bool fetcher_start(struct fetcher *fetcher, struct fetch *fetch);

/*
 * Any thread, once the gateway has no more time: fetches that wait or are under way, now or later,
 * come back at once with status 0, but for those that `stays` says. NULL does nothing.
 */
void fetcher_hurry(struct fetcher *fetcher);

/*
 * Ends the thread. Fetches that wait or are under way come back at once with status 0, so every
 * `home` must be open still, and nobody may start another. One whose home stays full for a second
 * is freed without its `done`. NULL does nothing.
 */
void fetcher_destroy(struct fetcher *fetcher);
