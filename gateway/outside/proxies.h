/*
 * proxies: the operator's back ends that may be asked, by name, and the calls of them: how many are
 * open at once, what goes along, what an HTTP status means.
 *
 * Made before the loops run, then never changed but for counters: any thread may ask.
 */
#pragma once

#include "gateway/outside/fetcher.h"
#include "gateway/outside/proxy_answer.h"
#include "gateway/outside/proxy_config.h"
#include "gateway/outside/proxy_counts.h"
#include "gateway/outside/proxy_headers.h"
#include "gateway/outside/proxy_question.h"

struct proxies;
struct proxy;
struct proxy_call;

struct proxies_config {
    const struct proxy_config *at;
    size_t count;
    size_t open_max;   /* calls at once, of all; 0: 1024 */
    size_t answer_max; /* bytes; 0: 1 MiB */
};

/*
 * Keeps the pointers of `config`. NULL: something in it cannot be; `why` says what. Before its end
 * all answers must have been delivered: fetcher_destroy(), then mailbox_close().
 */
struct proxies *proxies_create(const struct proxies_config *config, struct fetcher *fetcher,
                               char why[PROXY_WHY_MAX]);
void proxies_destroy(struct proxies *proxies); /* NULL does nothing */

struct proxy *proxies_find(struct proxies *proxies, struct text name); /* NULL: there is none */

/* On the thread of `home`. Takes the answer. */
typedef void (*proxy_done_fn)(void *context, struct proxy_answer *answer);

/*
 * Asks. Whether data is binary and `meta` goes along are the proxy's to say, not the question's.
 * `home` is the mailbox of the asker's loop, which hands LETTER_FETCHED to fetch_deliver(). `done`
 * comes once, later.
 * NULL: not asked, and no `done`; the caller does what PROXY_FAILED asks for. Too many calls are
 * open, or wait for that host; or the client's data is no JSON and could only go with
 * `binary_encoding`.
 */
MUST_CHECK struct proxy_call *proxy_ask(struct proxy *proxy, const struct proxy_question *question,
                                        const struct proxy_headers *headers, struct mailbox *home,
                                        proxy_done_fn done, void *context);
/* The asker is gone: there will be no `done`. On the thread of `home`, before `done`. */
void proxy_forget(struct proxy_call *call);

/* For metrics: the proxies in their order; false behind the last. */
bool proxies_counts(const struct proxies *proxies, size_t index, const char **name,
                    const struct proxy_counts **counts);
