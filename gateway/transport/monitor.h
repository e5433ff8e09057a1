/*
 * monitor: what those ask who watch the gateway: is it alive, can it work, what has it done. On the
 * loop's thread of each request.
 */
#pragma once

#include <h2o.h>

int monitor_health(h2o_req_t *req);  /* alive: {} */
int monitor_ready(h2o_req_t *req);   /* 200, or 503 while it cannot work yet or is stopping */
int monitor_metrics(h2o_req_t *req); /* Prometheus text */
