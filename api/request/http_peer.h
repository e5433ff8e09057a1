/*
 * http_peer: the HTTP side of a call: what libh2o knows about the request, and the answer on its
 * way out. Loop's thread only.
 */
#pragma once

#include <h2o.h>

#include "api/request/call_state.h"
#include "api/request/pages.h"

/*
 * Makes the call of a request; from then on the call answers it, at once or later, or at the
 * deadline. `with_cors`: an answer says which page may read it.
 */
struct call *http_peer_open(struct worker *worker, h2o_req_t *req, bool with_cors);

/* The request's Origin is there and passes. */
bool http_peer_origin_allowed(const struct worker *worker, const h2o_req_t *req);

/* Answers with a file, or 304. */
void http_peer_send_page(struct worker *worker, h2o_req_t *req, const struct page *page);

/* Answers 200 with a text, borrowed for the call. */
void http_peer_send_text(struct worker *worker, h2o_req_t *req, struct text type, struct text bytes);

/* The first one of that name. */
struct text http_peer_header(const h2o_req_t *req, const char *lower_case_name);
