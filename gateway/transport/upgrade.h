/*
 * upgrade: from an HTTP request to a connection: the handshake of WebSockets, and answers that do not
 * end (HTTP streaming, server-sent events). libh2o hands the socket over in both cases: nothing of
 * HTTP is kept. Loop's thread of each request.
 */
#pragma once

#include <h2o.h>

#include "gateway/settings.h"

/* Once, before the loops run: which headers of requests will be wanted. */
void upgrade_init(const struct settings *settings);

int upgrade_websocket(h2o_req_t *req);
int upgrade_uni_websocket(h2o_req_t *req);
int upgrade_http_stream(h2o_req_t *req);
int upgrade_uni_http_stream(h2o_req_t *req);
int upgrade_sse(h2o_req_t *req);
int upgrade_uni_sse(h2o_req_t *req);
