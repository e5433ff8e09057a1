/*
 * state: what the admin page asks once a second: who this gateway is, what it holds and what it has
 * done so far; the page makes rates of the counters. Any loop's thread.
 */
#pragma once

#include "base/buf.h"
#include "gateway/transport/front.h"

void state_init(void); /* once, when the process begins to work */

/* Appends a JSON object. */
void state_write(struct buf *out, const struct gateway_view *view);
