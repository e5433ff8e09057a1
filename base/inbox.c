#include "base/inbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct inbox {
    pthread_mutex_t lock; /* guards `waiting` and `count` */
    void **waiting;       /* `limit` places, the first `count` taken */
    size_t count;
    void **taken; /* the reader's; the two arrays change roles in inbox_take() */
    size_t limit;
    _Atomic uint64_t dropped;
};

struct inbox *inbox_create(size_t limit)
{
    CHECK(limit > 0);
    struct inbox *inbox = xcalloc(1, sizeof(*inbox));
    inbox->limit = limit;
    /* calloc: pages that are never used cost nothing */
    inbox->waiting = xcalloc(limit, sizeof(*inbox->waiting));
    inbox->taken = xcalloc(limit, sizeof(*inbox->taken));
    pthread_mutex_init(&inbox->lock, NULL);
    return inbox;
}

void inbox_destroy(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    CHECK(inbox->count == 0);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox->waiting);
    free(inbox->taken);
    free(inbox);
}

enum inbox_push inbox_push(struct inbox *inbox, void *item)
{
    enum inbox_push result = INBOX_FULL;

    pthread_mutex_lock(&inbox->lock);
    if (inbox->count < inbox->limit) {
        result = inbox->count == 0 ? INBOX_FIRST : INBOX_MORE;
        inbox->waiting[inbox->count++] = item;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (result == INBOX_FULL)
        atomic_fetch_add_explicit(&inbox->dropped, 1, memory_order_relaxed);
    return result;
}

size_t inbox_take(struct inbox *inbox, void ***items)
{
    pthread_mutex_lock(&inbox->lock);
    const size_t count = inbox->count;
    void **full = inbox->waiting;
    inbox->waiting = inbox->taken;
    inbox->count = 0;
    pthread_mutex_unlock(&inbox->lock);

    inbox->taken = full;
    *items = full;
    return count;
}

uint64_t inbox_dropped(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->dropped, memory_order_relaxed);
}
