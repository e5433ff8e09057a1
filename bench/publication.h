/*
 * publication: what the load generator publishes: message `offset` of one room, 128 bytes (or as
 * told) of data, and the frame in which subscribers get it. Made from the offset alone, so that any
 * of them can be made again. Any thread.
 */
#pragma once

#include "base/buf.h"

struct publication_shape {
    struct text channel; /* "room:7" */
    struct text epoch;
    size_t data_bytes; /* 32 to 16384 */
};

/* The data: a JSON object of exactly `data_bytes`. */
void publication_data(struct buf *out, const struct publication_shape *shape, uint64_t offset);
/* A WebSocket frame with the push, as the gateway would write it. */
void publication_frame(struct buf *out, const struct publication_shape *shape, uint64_t offset);
