#include "gateway/broker/memory/stream.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"

#define RING_MIN      4
#define LOOK_BACK_MAX 1000 /* publications that a filter is tried on, for one subscription */

struct stream_entry {
    struct stream *stream;
    struct parcel *parcel;
    struct stream_entry *prev, *next; /* in the store, by age */
};

/* With one frame of it: who listens had it made, and it stays with the parcel. */
static size_t cost(const struct parcel *parcel)
{
    return parcel->bytes + parcel->data.len + sizeof(struct frame) + sizeof(struct stream_entry);
}

/* ---- the ring ---- */

static struct stream_entry **place(const struct stream *stream, uint32_t index)
{
    return &stream->ring[(stream->first + index) & (stream->cap - 1)];
}

static void grow(struct stream *stream)
{
    const uint32_t cap = stream->cap > 0 ? 2 * stream->cap : RING_MIN;
    struct stream_entry **ring = xcalloc(cap, sizeof(struct stream_entry *));

    for (uint32_t i = 0; i < stream->count; i++)
        ring[i] = *place(stream, i);
    free(stream->ring);
    stream->ring = ring;
    stream->first = 0;
    stream->cap = cap;
}

static void become_empty(struct stream *stream)
{
    free(stream->ring);
    stream->ring = NULL;
    stream->cap = stream->first = 0;
    deadlines_drop(&stream->items_end);
    DL_APPEND(stream->store->empty, stream);
}

static void drop_oldest(struct stream *stream)
{
    struct stream_store *store = stream->store;
    struct stream_entry *entry = *place(stream, 0);

    stream->first = (stream->first + 1) & (stream->cap - 1);
    stream->count--;
    store->bytes -= cost(entry->parcel);
    DL_DELETE(store->entries, entry);
    parcel_unref(entry->parcel);
    free(entry);
    if (stream->count == 0)
        become_empty(stream);
}

static void append(struct stream *stream, struct parcel *parcel)
{
    struct stream_store *store = stream->store;
    struct stream_entry *entry = xcalloc(1, sizeof(*entry));

    if (stream->count == 0)
        DL_DELETE(store->empty, stream);
    if (stream->count == stream->cap)
        grow(stream);
    entry->stream = stream;
    entry->parcel = parcel_ref(parcel);
    *place(stream, stream->count++) = entry;
    store->bytes += cost(parcel);
    DL_APPEND(store->entries, entry);
}

/* ---- life ---- */

static void make_epoch(char out[STREAM_EPOCH_BYTES])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t random = id_random(); /* 52^8 is below 2^46 */

    for (int i = 0; i < STREAM_EPOCH_BYTES; i++) {
        out[i] = letters[random % (sizeof(letters) - 1)];
        random /= sizeof(letters) - 1;
    }
}

void stream_store_fini(struct stream_store *store)
{
    CHECK(store->count == 0);
    deadlines_fini(&store->items);
    deadlines_fini(&store->metas);
}

struct stream *stream_create(struct stream_store *store, void *owner, int64_t meta_ttl_ms,
                             int64_t now_ms)
{
    struct stream *stream = xcalloc(1, sizeof(*stream));

    stream->owner = owner;
    stream->store = store;
    make_epoch(stream->epoch);
    store->count++;
    DL_APPEND(store->empty, stream);
    stream_touch(stream, meta_ttl_ms, now_ms);
    return stream;
}

void stream_destroy(struct stream *stream)
{
    struct stream_store *store = stream->store;

    stream_clear(stream);
    DL_DELETE(store->empty, stream);
    deadlines_drop(&stream->meta_end);
    store->count--;
    free(stream->version_epoch);
    free(stream);
}

void stream_touch(struct stream *stream, int64_t meta_ttl_ms, int64_t now_ms)
{
    deadlines_set(&stream->store->metas, &stream->meta_end, meta_ttl_ms, now_ms);
}

void stream_clear(struct stream *stream)
{
    while (stream->count > 0)
        drop_oldest(stream);
}

/* The oldest of all is the oldest of its stream, too. */
static void keep_within_bytes(struct stream_store *store)
{
    while (store->bytes > store->max_bytes) {
        drop_oldest(store->entries->stream);
        store->evictions++;
    }
}

void stream_add(struct stream *stream, struct parcel *parcel, const struct stream_bounds *bounds,
                int64_t now_ms)
{
    struct stream_store *store = stream->store;

    CHECK(parcel->offset == stream->top + 1);
    stream->top = parcel->offset;
    stream_touch(stream, bounds->meta_ttl_ms, now_ms);
    if (cost(parcel) > store->max_bytes) {
        stream_clear(stream); /* it would have a gap */
        store->evictions++;
        return;
    }
    append(stream, parcel);
    while (stream->count > bounds->size)
        drop_oldest(stream);
    if (stream->count > 0)
        deadlines_set(&store->items, &stream->items_end, bounds->ttl_ms, now_ms);
    keep_within_bytes(store);
}

bool stream_has_version(const struct stream *stream, uint64_t version, struct text epoch)
{
    return version <= stream->version &&
           (epoch.len == 0 || text_equal(epoch, text(stream->version_epoch)));
}

void stream_set_version(struct stream *stream, uint64_t version, struct text epoch)
{
    stream->version = version;
    if (text_equal(epoch, text(stream->version_epoch)))
        return;
    free(stream->version_epoch);
    stream->version_epoch = epoch.len > 0 ? xstrndup(epoch.at, epoch.len) : NULL;
}

void streams_expire(struct stream_store *store, int64_t now_ms)
{
    struct deadline *due;

    while ((due = deadlines_due(&store->items, now_ms)) != NULL)
        stream_clear(container_of(due, struct stream, items_end));
}

struct stream *streams_forgotten(const struct stream_store *store, int64_t now_ms)
{
    struct deadline *due = deadlines_due(&store->metas, now_ms);

    return due != NULL ? container_of(due, struct stream, meta_end) : NULL;
}

void stream_keep(struct stream *stream, int64_t now_ms)
{
    deadlines_again(&stream->meta_end, now_ms);
}

void stream_pass_over(struct stream *stream)
{
    DL_DELETE(stream->store->empty, stream);
    DL_APPEND(stream->store->empty, stream);
}

/* ---- reading ---- */

/* The offset of the oldest that is kept; with none, of the next one to come. */
static uint64_t oldest(const struct stream *stream)
{
    return stream->count > 0 ? (*place(stream, 0))->parcel->offset : stream->top + 1;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

struct stream_range stream_after(const struct stream *stream, uint64_t offset, size_t limit)
{
    const uint64_t low = oldest(stream), end = low + stream->count; /* one behind the last */
    const uint64_t from = offset < low ? low : offset + 1;

    if (offset >= end || from >= end)
        return (struct stream_range){0};
    return (struct stream_range){from, smaller(end - from, limit)};
}

struct stream_range stream_before(const struct stream *stream, uint64_t offset, size_t limit)
{
    const uint64_t low = oldest(stream);

    if (offset == 0 || stream_at(stream, offset - 1) == NULL)
        return (struct stream_range){0};
    return (struct stream_range){offset - 1, smaller(offset - low, limit)};
}

struct parcel *stream_at(const struct stream *stream, uint64_t offset)
{
    const uint64_t low = oldest(stream);

    if (offset < low || offset - low >= stream->count)
        return NULL;
    return (*place(stream, (uint32_t)(offset - low)))->parcel;
}

struct parcel *stream_latest(const struct stream *stream)
{
    return stream->count > 0 ? (*place(stream, stream->count - 1))->parcel : NULL;
}

/* ---- recovery ---- */

static bool are_few(const struct stream *stream, struct stream_range range, size_t max_bytes)
{
    size_t bytes = 0;

    for (uint64_t i = 0; i < range.count; i++)
        bytes += stream_at(stream, range.from + i)->data.len;
    return bytes <= max_bytes;
}

bool stream_recover(const struct stream *stream, struct stream_position since, size_t max_count,
                    size_t max_bytes, struct stream_range *missed)
{
    const struct stream_range range = stream_after(stream, since.offset, max_count);
    bool is_all;

    *missed = (struct stream_range){0};
    if (since.epoch.len > 0 && !text_equal(since.epoch, stream_epoch(stream)))
        return false;
    if (range.count == 0)
        is_all = since.offset == stream->top;
    else
        is_all = range.from == since.offset + 1 && range.from + range.count - 1 == stream->top;
    if (!is_all || !are_few(stream, range, max_bytes))
        return false;
    *missed = range;
    return true;
}

static struct parcel *latest_that_passes(const struct stream *stream, const struct filter *filter)
{
    const uint32_t from = stream->count > LOOK_BACK_MAX ? stream->count - LOOK_BACK_MAX : 0;

    for (uint32_t i = stream->count; i-- > from;) {
        struct parcel *parcel = (*place(stream, i))->parcel;
        if (filter == NULL || filter_passes(filter, parcel->tags, parcel->tag_count))
            return parcel;
    }
    return NULL;
}

bool stream_recover_latest(const struct stream *stream, struct stream_position since,
                           const struct filter *filter, struct parcel **latest)
{
    const struct parcel *last = stream_latest(stream);
    const bool is_at_top =
        since.offset == stream->top && text_equal(since.epoch, stream_epoch(stream));

    *latest = NULL;
    if (last == NULL || (is_at_top && since.offset > 0))
        return is_at_top;
    if (last->offset != stream->top)
        return false;
    *latest = latest_that_passes(stream, filter);
    return true;
}
