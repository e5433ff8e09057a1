/*
 * server: what a request is for: /v1 (router), /health, /ready, or a page. Each worker's loop.
 */
#pragma once

#include <h2o.h>

/* For listener_conf_init(). The worker is the one whose `loop` the connection lives on. */
int server_on_request(h2o_handler_t *handler, h2o_req_t *req);
