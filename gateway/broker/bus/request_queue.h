/*
 * request_queue: requests in the order of their coming, by `waiting`. Zero-initialised is empty.
 */
#pragma once

#include <stddef.h>

#include "gateway/mail/request.h"

struct request_queue {
    struct request *first, *last;
    size_t count;
};

static inline void request_queue_push(struct request_queue *queue, struct request *request)
{
    request->waiting = NULL;
    if (queue->first == NULL)
        queue->first = request;
    else
        queue->last->waiting = request;
    queue->last = request;
    queue->count++;
}

/* The first one, taken out; NULL: there is none. */
static inline struct request *request_queue_pop(struct request_queue *queue)
{
    struct request *request = queue->first;

    if (request == NULL)
        return NULL;
    queue->first = request->waiting;
    queue->count--;
    return request;
}
