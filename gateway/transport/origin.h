/*
 * origin: pages of which origins may connect (client.allowed_origins), and what browsers must be told
 * about it. Loop's thread.
 */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "gateway/settings.h"

/*
 * The rule, also for tests: may a page of `origin` (empty: no browser) connect to us as `host` (with
 * or without port)? Without a list nobody may, or, `same_host`, pages of the same host.
 */
bool origin_passes(const struct option_list *allowed, bool same_host, struct text origin,
                   struct text host);
bool origin_of_request_passes(const h2o_req_t *req, const struct settings *settings);

/* The CORS headers, when there is an origin and it passes. */
void origin_add_headers(h2o_req_t *req, const struct settings *settings);
/* The answer to OPTIONS. */
int origin_answer_preflight(h2o_req_t *req, const struct settings *settings);
