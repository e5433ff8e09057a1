/*
 * api: Centrifugo's server HTTP API: POST {path}/{method} with one method's parameters, and POST
 * {path} with a stream of commands, as older libraries send them. Loop's thread of the request.
 *
 * Answers {"result":…} or {"error":{"code","message"}} with 200. In the transport mode of errors
 * (`http_api.error_mode`, or the header x-centrifugo-error-mode) an error is the whole body, with a
 * status that fits. 401: no key; 405: not POST; 413: over API_BODY_MAX; 400: not JSON (all of these
 * with a line of text).
 */
#pragma once

#include <h2o.h>

#include "base/text.h"

#define API_BODY_MAX (8u << 20)

/* At settings->http_api.path or below. */
int api_on_request(h2o_req_t *req);

/* The same for who is known to be allowed; `method` empty: a stream of commands. */
int api_answer(h2o_req_t *req, struct text method);
