/*
 * metrics_outside: what came of the calls of the operator's back ends and webhooks, as Prometheus
 * text. Any thread.
 */
#pragma once

#include "base/buf.h"

struct proxies;
struct webhooks;

void metrics_outside_print_proxies(struct buf *out, const struct proxies *proxies);
/* NULL: none. */
void metrics_outside_print_webhooks(struct buf *out, const struct webhooks *webhooks);
