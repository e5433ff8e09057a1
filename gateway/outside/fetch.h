/*
 * fetch: one HTTP exchange with a server of the operator's, as a letter: made by whoever asks,
 * started with fetcher_start(), and back in the mailbox `home` once, with its answer. Owned by
 * whoever holds it; one thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"
#include "bus/mailbox.h"
#include "gateway/mail/letter.h"

struct fetch;
struct host;

/* On the thread of `home`. Takes the fetch. */
typedef void (*fetch_done_fn)(void *context, struct fetch *fetch);

struct fetch {
    struct letter letter; /* LETTER_FETCHED */
    struct mailbox *home;
    fetch_done_fn done;
    void *context;

    /* The question. */
    char *url;          /* http or https */
    struct buf body;    /* not empty: POST of application/json; empty: GET */
    struct buf headers; /* fetch_add_header()'s lines, each with a NUL behind it */
    int64_t timeout_ms; /* from fetcher_start() to the last byte, the wait for a turn included */
    size_t answer_max;  /* bytes; a longer answer is none */
    bool stays;         /* fetcher_hurry() does not end it */

    /* The answer. */
    int status;        /* of HTTP; 0: no answer, `why` says */
    struct buf answer; /* the body; empty without a status */
    char why[128];
    int64_t took_us; /* since fetcher_start() */

    /* The fetcher's. */
    struct host *host;
    int64_t start_ns, deadline_ms;
    struct fetch *prev, *next;
};

/* Copies `url`. 1 s and 1 MiB unless the caller says otherwise. */
struct fetch *fetch_create(const char *url, struct mailbox *home, fetch_done_fn done,
                           void *context);
void fetch_destroy(struct fetch *fetch); /* NULL does nothing */

/* `name` is a token and `value` has no control characters (RFC 9110 5.5): a line break there would
 * begin a header, or a request, of whoever chose the value. */
bool fetch_header_fits(struct text name, struct text value);
/* False, and nothing is added: it does not fit. */
MUST_CHECK bool fetch_add_header(struct fetch *fetch, struct text name, struct text value);

/* What a loop does with LETTER_FETCHED: calls `done`. */
static inline void fetch_deliver(struct fetch *fetch)
{
    fetch->done(fetch->context, fetch);
}
