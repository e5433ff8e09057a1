/*
 * front: which path of the gateway's HTTP side leads where. On the loop's thread of each request.
 */
#pragma once

#include <h2o.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/broker/broker.h"
#include "gateway/loop/loop.h"

/* What /ready, /metrics and limits of the whole process look at; set once, before the loops run. */
struct gateway_view {
    const struct settings *settings;
    struct loop *loops;
    size_t loop_count;
    struct broker *broker;
};
void front_init(const struct gateway_view *view);
const struct gateway_view *front_view(void);

/* The counters of all threads; `sets` has a field more than there are loops. Returns how many. */
size_t front_metrics(struct metrics **sets);
size_t front_client_count(void); /* connections of clients here */

/* Is there a second listener, for the operator? Not when its address is that of the first. */
bool front_has_internal(const struct settings *settings);

/*
 * For listener_conf_init(): what clients ask, and what is the operator's own. With one listener all
 * is on the first; with two the operator's paths are on the second alone.
 */
int front_on_request(h2o_handler_t *handler, h2o_req_t *req);
int front_on_internal_request(h2o_handler_t *handler, h2o_req_t *req);
/* Twice the largest body that anything takes; those of the server API are by far the largest. */
size_t front_body_max(const struct settings *settings, bool with_api);
