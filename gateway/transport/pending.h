/*
 * pending: an HTTP request that is answered later. libh2o may drop it meanwhile: then there is
 * nothing to answer. Loop's thread.
 */
#pragma once

#include <h2o.h>

struct pending;

struct pending *pending_begin(h2o_req_t *req);
/* Ends it, once: the request to be answered now; NULL: it is gone. */
h2o_req_t *pending_end(struct pending *pending);
