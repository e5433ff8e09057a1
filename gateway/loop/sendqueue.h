/*
 * sendqueue: frames that wait for one connection, first in, first out. Zero-initialised is empty
 * and valid. Holds a reference to each frame. The bound in bytes is the caller's to keep. Loop's
 * thread.
 */
#pragma once

#include <sys/uio.h>

#include "gateway/frame.h"

struct sendqueue {
    struct frame **at; /* a circle of `cap`, a power of two; NULL while `cap` is 0 */
    uint32_t head, count, cap;
    uint32_t sent; /* bytes of the first frame that are out already */
    size_t bytes;  /* still to send */
};

void sendqueue_fini(struct sendqueue *queue);
void sendqueue_push(struct sendqueue *queue,
                    struct frame *frame); /* takes a reference of its own */

/* The frame at this place, 0 the next to leave; stays the queue's. */
struct frame *sendqueue_at(const struct sendqueue *queue, uint32_t place);

/* What waits in bytes of memory: frames of two bytes cost more than they say. */
static inline size_t sendqueue_cost(const struct sendqueue *queue)
{
    return queue->bytes + queue->count * (sizeof(struct frame) + sizeof(struct frame *));
}

/* The unsent bytes as at most `max` pieces; returns how many, and their sum. */
size_t sendqueue_pieces(const struct sendqueue *queue, struct iovec *pieces, size_t max,
                        size_t *bytes);
void sendqueue_consume(struct sendqueue *queue, size_t bytes); /* these are out */

/* Forgets all frames behind the first `keep`. */
void sendqueue_cut(struct sendqueue *queue, size_t keep);
void sendqueue_shrink(struct sendqueue *queue); /* gives memory back if it is empty */
