/*
 * handshake: the HTTP side of a gateway: the WebSocket upgrade, /health, /ready and /metrics. On
 * the loop's thread of each request.
 */
#pragma once

#include <h2o.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/loop/loop.h"

/* What /ready and /metrics look at; set once, before the loops run. */
struct gateway_view {
    struct loop *loops;
    size_t loop_count;
    struct metrics *broker_metrics;
    atomic_bool *is_ready; /* an API was heard */
    /* Appends the broker's gauges. Any thread. */
    void (*print_broker)(void *broker, struct buf *out);
    void *broker;
};
void handshake_init(const struct gateway_view *view);

/* For listener_conf_init(). */
int handshake_on_request(h2o_handler_t *handler, h2o_req_t *req);

/* The rule for pages, also for tests: may a page of `origin` connect to us as `host` (with or
 * without port)? */
bool handshake_origin_passes(struct text origins, struct text origin, struct text host);
