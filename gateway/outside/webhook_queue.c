#include "gateway/outside/webhook_queue.h"

#include <stdlib.h>

static void drop_first(struct webhook_queue *queue)
{
    struct webhook_item *item = queue->first;

    queue->first = item->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    free(item);
}

size_t webhook_queue_push(struct webhook_queue *queue, struct text start, struct text rest,
                          int64_t now_ms)
{
    struct webhook_item *item = xmalloc(sizeof(*item) + start.len + rest.len);
    size_t dropped = 0;

    *item = (struct webhook_item){.since_ms = now_ms, .len = start.len + rest.len};
    memcpy(item->bytes, start.at, start.len);
    memcpy(item->bytes + start.len, rest.at, rest.len);
    if (queue->count == queue->max) {
        drop_first(queue);
        dropped = 1;
    }
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->count++;
    return dropped;
}

size_t webhook_queue_take(struct webhook_queue *queue, struct buf *out, size_t count_max,
                          size_t bytes_max)
{
    size_t count = 0, bytes = 0;

    while (queue->first != NULL && count < count_max) {
        bytes += queue->first->len;
        if (count > 0 && bytes > bytes_max)
            break;
        if (count > 0)
            buf_add_byte(out, ',');
        buf_add(out, queue->first->bytes, queue->first->len);
        drop_first(queue);
        count++;
    }
    return count;
}

size_t webhook_queue_clear(struct webhook_queue *queue)
{
    const size_t count = queue->count;

    while (queue->first != NULL)
        drop_first(queue);
    return count;
}
