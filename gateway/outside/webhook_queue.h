/*
 * webhook_queue: events that wait for one webhook, first in, first out, at most so many: when it is
 * full the oldest goes, since what is true now matters most.
 *
 * No lock of its own: webhooks.c has one around all calls.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

struct webhook_item {
    struct webhook_item *next;
    int64_t since_ms; /* clock_mono_ms() */
    size_t len;
    char bytes[]; /* a JSON object */
};

struct webhook_queue {
    struct webhook_item *first, *last;
    size_t count, max;
};

/* Copies: `start` and `rest` together are the object. Returns how many went for it: 0 or 1. */
size_t webhook_queue_push(struct webhook_queue *queue, struct text start, struct text rest,
                          int64_t now_ms);

/* Moves events to `out`, with commas between them: at most `count_max`, and as many bytes, but one
 * in any case. Returns how many; 0: it is empty. */
size_t webhook_queue_take(struct webhook_queue *queue, struct buf *out, size_t count_max,
                          size_t bytes_max);

/* Returns how many went. */
size_t webhook_queue_clear(struct webhook_queue *queue);
