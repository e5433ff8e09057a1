#include "gateway/broker/ring.h"

#include <stdlib.h>
#include <utlist.h>

static size_t cost(const struct frame *frame)
{
    return frame->len + sizeof(struct frame) + sizeof(struct ring_entry);
}

/* The oldest of its ring. */
static void drop(struct ring_store *store, struct ring_entry *entry)
{
    struct ring *ring = entry->ring;

    CHECK(ring->oldest == entry);
    ring->oldest = entry->newer;
    if (ring->oldest == NULL)
        ring->newest = NULL;
    ring->count--;
    store->bytes -= cost(entry->frame);
    DL_DELETE(store->entries, entry);
    frame_unref(entry->frame);
    free(entry);
}

void ring_clear(struct ring_store *store, struct ring *ring)
{
    while (ring->oldest != NULL)
        drop(store, ring->oldest);
}

void ring_add(struct ring_store *store, struct ring *ring, struct frame *frame)
{
    struct ring_entry *entry;

    if (ring->newest != NULL && ring->newest->frame->offset + 1 != frame->offset)
        ring_clear(store, ring);
    if (cost(frame) > store->max_bytes)
        return ring_clear(store, ring);

    entry = xcalloc(1, sizeof(*entry));
    entry->ring = ring;
    entry->frame = frame_ref(frame);
    *(ring->newest != NULL ? &ring->newest->newer : &ring->oldest) = entry;
    ring->newest = entry;
    ring->count++;
    store->bytes += cost(frame);
    DL_APPEND(store->entries, entry);

    if (ring->count > store->max_count)
        drop(store, ring->oldest);
    while (store->bytes > store->max_bytes) {
        drop(store, store->entries);
        store->evictions++;
    }
}

const struct ring_entry *ring_find(const struct ring *ring, uint64_t offset)
{
    const struct ring_entry *entry = ring->oldest;

    if (entry == NULL || offset < entry->frame->offset || offset > ring->newest->frame->offset)
        return NULL;
    while (entry->frame->offset != offset)
        entry = entry->newer;
    return entry;
}
