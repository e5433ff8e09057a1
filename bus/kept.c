#include "bus/kept.h"

#include <stdlib.h>

#define ENTRIES_FIRST 64

struct entry {
    char *bytes;
    size_t len;
    int64_t sent_ms;
};

struct kept {
    int age_ms;
    size_t bytes_max;
    size_t bytes;
    struct entry *ring; /* `size` entries, a power of two; number n lives at n % size */
    size_t size;
    uint64_t forgotten;
    uint64_t first, next; /* numbers first .. next - 1 are here */
};

struct kept *kept_create(int age_ms, size_t bytes)
{
    struct kept *kept = xcalloc(1, sizeof(*kept));

    kept->age_ms = age_ms;
    kept->bytes_max = bytes;
    kept->size = ENTRIES_FIRST;
    kept->ring = xcalloc(kept->size, sizeof(*kept->ring));
    kept->first = kept->next = 1;
    return kept;
}

static struct entry *entry_at(const struct kept *kept, uint64_t number)
{
    return &kept->ring[number & (kept->size - 1)];
}

static void drop_oldest(struct kept *kept)
{
    struct entry *oldest = entry_at(kept, kept->first++);

    kept->bytes -= oldest->len + sizeof(*oldest);
    free(oldest->bytes);
}

void kept_destroy(struct kept *kept)
{
    if (kept == NULL)
        return;
    while (kept->first < kept->next)
        drop_oldest(kept);
    free(kept->ring);
    free(kept);
}

void kept_forget(struct kept *kept, int64_t now_ms)
{
    while (kept->first < kept->next && now_ms - entry_at(kept, kept->first)->sent_ms > kept->age_ms)
        drop_oldest(kept);
}

static void grow(struct kept *kept)
{
    struct entry *ring = xcalloc(kept->size * 2, sizeof(*ring));

    for (uint64_t number = kept->first; number < kept->next; number++)
        ring[number & (kept->size * 2 - 1)] = *entry_at(kept, number);
    free(kept->ring);
    kept->ring = ring;
    kept->size *= 2;
}

void kept_add(struct kept *kept, uint64_t number, struct text batch, int64_t now_ms)
{
    const size_t cost = batch.len + sizeof(struct entry);

    CHECK(number == kept->next);
    kept_forget(kept, now_ms);
    while (kept->first < kept->next && kept->bytes + cost > kept->bytes_max) {
        drop_oldest(kept);
        kept->forgotten++;
    }
    kept->next++;
    if (cost > kept->bytes_max) {
        kept->first = kept->next;
        kept->forgotten++;
        return;
    }
    if (kept->next - kept->first > kept->size)
        grow(kept);

    struct entry *entry = entry_at(kept, number);
    *entry = (struct entry){.bytes = xmalloc(batch.len + 1), .len = batch.len, .sent_ms = now_ms};
    memcpy(entry->bytes, batch.at, batch.len);
    kept->bytes += cost;
}

size_t kept_bytes(const struct kept *kept)
{
    return kept->bytes;
}

uint64_t kept_forgotten(const struct kept *kept)
{
    return kept->forgotten;
}

void kept_each(const struct kept *kept, uint64_t from, uint64_t to, size_t bytes,
               void (*each)(void *context, struct text batch), void *context)
{
    if (from < kept->first)
        from = kept->first;
    for (uint64_t number = from; number < kept->next && number <= to; number++) {
        const struct entry *entry = entry_at(kept, number);
        if (entry->len > bytes)
            return;
        bytes -= entry->len;
        each(context, text_of(entry->bytes, entry->len));
    }
}
