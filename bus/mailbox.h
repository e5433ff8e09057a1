/*
 * mailbox: the only door into a loop from other threads: a bounded inbox and a wake-up
 * (uv_async_t).
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/base.h"
#include "base/err.h"

struct mailbox;

/* Called on the loop's thread for each item, in order. */
typedef void (*mailbox_item_fn)(void *context, void *item);

/* On the loop's thread, or before it runs. Aborts when libuv refuses. `limit`: most items that
 * wait. */
struct mailbox *mailbox_open(uv_loop_t *loop, size_t limit, mailbox_item_fn on_item, void *context);
/*
 * Loop's thread; no other thread may post any more. Items that wait are delivered first, from
 * inside this call; memory goes with libuv's close callback.
 */
void mailbox_close(struct mailbox *mailbox);

/* Any thread. Takes `item` on true; false when full (counted), `item` stays the caller's. */
MUST_CHECK bool mailbox_post(struct mailbox *mailbox, void *item);
uint64_t mailbox_dropped(const struct mailbox *mailbox);
