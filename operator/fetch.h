/*
 * fetch: one HTTP request at a time, waiting for the answer. The only file that knows libcurl.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct fetch; /* a client, which keeps its connection open between requests */

struct fetch *fetch_create(void);
void fetch_destroy(struct fetch *fetch); /* NULL does nothing */

struct request {
    const char *method;
    const char *url;
    const char *bearer; /* access token; NULL = none */
    struct text body;   /* JSON; empty = none */
    int timeout_ms;
};

/*
 * On ERR_OK `status` is the answer's and `body` what it said (at most 4 MiB; appended).
 * ERR_UNAVAILABLE: no answer; then `body` says why, in words.
 */
MUST_CHECK enum err fetch_run(struct fetch *fetch, const struct request *request, int *status,
                              struct buf *body);
