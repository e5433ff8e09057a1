/*
 * broker: the one serialising point of a gateway. It owns the feed and the asker (bus/), knows
 * where each channel's log stands, and tells the loops what they listen to.
 *
 * Lives on one loop (that of loop 0), talks to all loops by letters. Answers and publications go
 * through the same mailbox of a loop, and a subscription's position is decided in the same step in
 * which the loop gets its reference: so an answer "position P" is always followed by exactly P + 1,
 * P + 2 …
 */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "bus/mailbox.h"
#include "gateway/metrics.h"
#include "gateway/mail/port.h"
#include "gateway/settings.h"

struct broker;

/* `ports` (one for each loop, in their order) and `settings` outlive it. ERR_INVALID,
 * ERR_UNAVAILABLE: the bus cannot be opened (logged). */
MUST_CHECK enum err broker_open(struct broker **out, uv_loop_t *loop,
                                const struct settings *settings, struct port *const *ports,
                                unsigned port_count);

struct mailbox *broker_inbox(struct broker *broker); /* for LETTER_REQUEST and LETTER_RETURNS */
struct metrics *broker_metrics(struct broker *broker);
atomic_bool *broker_is_ready(struct broker *broker); /* an API was heard */
void broker_print(void *broker, struct buf *out);    /* gauges, as Prometheus text; any thread */

/*
 * Tells all loops to stop; when the last has, tells them to close, and closes itself. Then nothing
 * of it is left on libuv's loop, and broker_free() may follow.
 */
void broker_stop(struct broker *broker);
void broker_free(struct broker *broker);
