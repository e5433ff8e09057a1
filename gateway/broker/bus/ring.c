#include "gateway/broker/bus/ring.h"

#include <stdlib.h>
#include <utlist.h>

#define ENVELOPE_BYTES 128 /* of a frame: what stands around the data */

/* With the one frame that it has as a rule. */
static size_t cost(const struct parcel *parcel)
{
    return parcel->bytes + parcel->data.len + ENVELOPE_BYTES + sizeof(struct frame) +
           sizeof(struct ring_entry);
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
    store->bytes -= cost(entry->parcel);
    DL_DELETE(store->entries, entry);
    parcel_unref(entry->parcel);
    free(entry);
}

void ring_clear(struct ring_store *store, struct ring *ring)
{
    while (ring->oldest != NULL)
        drop(store, ring->oldest);
}

void ring_add(struct ring_store *store, struct ring *ring, struct parcel *parcel)
{
    struct ring_entry *entry;

    if (ring->newest != NULL && ring->newest->parcel->offset + 1 != parcel->offset)
        ring_clear(store, ring);
    if (cost(parcel) > store->max_bytes)
        return ring_clear(store, ring);

    entry = xcalloc(1, sizeof(*entry));
    entry->ring = ring;
    entry->parcel = parcel_ref(parcel);
    *(ring->newest != NULL ? &ring->newest->newer : &ring->oldest) = entry;
    ring->newest = entry;
    ring->count++;
    store->bytes += cost(parcel);
    DL_APPEND(store->entries, entry);

    if (ring->count > store->max_count)
        drop(store, ring->oldest);
    while (store->bytes > store->max_bytes) {
        drop(store, store->entries);
        store->evictions++;
    }
}

/* All are added anew: so the budget's oldest is still the oldest of its ring. */
void ring_extend(struct ring_store *store, struct ring *ring, struct parcel *const *parcels,
                 size_t count)
{
    const struct ring_entry *first = ring->oldest;

    while (first != NULL && count > 0 && parcels[count - 1]->offset >= first->parcel->offset)
        count--;
    if (count == 0 || (first != NULL && parcels[count - 1]->offset + 1 != first->parcel->offset))
        return;
    const size_t all_count = count + ring->count;
    struct parcel **all = xcalloc(all_count, sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = parcel_ref(parcels[i]);
    for (size_t i = count; i < all_count; i++, first = first->newer)
        all[i] = parcel_ref(first->parcel);
    ring_clear(store, ring);
    for (size_t i = 0; i < all_count; i++) {
        ring_add(store, ring, all[i]);
        parcel_unref(all[i]);
    }
    free(all);
}

const struct ring_entry *ring_find(const struct ring *ring, uint64_t offset)
{
    const struct ring_entry *entry = ring->oldest;

    if (entry == NULL || offset < entry->parcel->offset || offset > ring->newest->parcel->offset)
        return NULL;
    while (entry->parcel->offset != offset)
        entry = entry->newer;
    return entry;
}
