#include "gateway/loop/sendqueue.h"

#include <stdlib.h>

#define FIRST_CAP 4

static struct frame **slot(const struct sendqueue *queue, uint32_t i)
{
    return &queue->at[(queue->head + i) & (queue->cap - 1)];
}

void sendqueue_fini(struct sendqueue *queue)
{
    sendqueue_cut(queue, 0);
    free(queue->at);
    *queue = (struct sendqueue){0};
}

static void grow(struct sendqueue *queue)
{
    const uint32_t cap = queue->cap == 0 ? FIRST_CAP : queue->cap * 2;
    struct frame **at = xmalloc(cap * sizeof(struct frame *));

    for (uint32_t i = 0; i < queue->count; i++)
        at[i] = *slot(queue, i);
    free(queue->at);
    queue->at = at;
    queue->head = 0;
    queue->cap = cap;
}

void sendqueue_push(struct sendqueue *queue, struct frame *frame)
{
    if (queue->count == queue->cap)
        grow(queue);
    *slot(queue, queue->count++) = frame_ref(frame);
    queue->bytes += frame->len;
}

struct frame *sendqueue_at(const struct sendqueue *queue, uint32_t place)
{
    return *slot(queue, place);
}

size_t sendqueue_pieces(const struct sendqueue *queue, struct iovec *pieces, size_t max,
                        size_t *bytes)
{
    size_t count = 0, skip = queue->sent;

    *bytes = 0;
    for (; count < queue->count && count < max; count++) {
        const struct text text = frame_bytes(*slot(queue, (uint32_t)count));
        pieces[count] = (struct iovec){(char *)text.at + skip, text.len - skip};
        *bytes += pieces[count].iov_len;
        skip = 0;
    }
    return count;
}

void sendqueue_consume(struct sendqueue *queue, size_t bytes)
{
    CHECK(bytes <= queue->bytes);
    queue->bytes -= bytes;
    bytes += queue->sent;
    while (queue->count > 0 && bytes >= (*slot(queue, 0))->len) {
        struct frame *frame = *slot(queue, 0);
        bytes -= frame->len;
        frame_unref(frame);
        queue->head = (queue->head + 1) & (queue->cap - 1);
        queue->count--;
    }
    queue->sent = (uint32_t)bytes;
}

void sendqueue_cut(struct sendqueue *queue, size_t keep)
{
    while (queue->count > keep) {
        struct frame *frame = *slot(queue, --queue->count);
        queue->bytes -= frame->len - (queue->count == 0 ? queue->sent : 0);
        frame_unref(frame);
    }
    if (queue->count == 0)
        queue->sent = 0;
}

void sendqueue_shrink(struct sendqueue *queue)
{
    if (queue->count > 0)
        return;
    free(queue->at);
    *queue = (struct sendqueue){0};
}
