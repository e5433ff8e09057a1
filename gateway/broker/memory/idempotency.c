#include "gateway/broker/memory/idempotency.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/buf.h"

struct kept_answer {
    uint64_t position;
    int64_t due_ms;
    struct kept_answer *prev, *next; /* by age */
    UT_hash_handle hh;
    size_t key_len, epoch_len;
    char bytes[]; /* the key of the map, then the epoch */
};

void idempotency_init(struct idempotency *idempotency, int64_t ttl_ms, size_t max_bytes)
{
    *idempotency = (struct idempotency){.ttl_ms = ttl_ms, .max_bytes = max_bytes};
}

static size_t cost(const struct kept_answer *kept)
{
    return sizeof(*kept) + kept->key_len + kept->epoch_len;
}

static void drop_oldest(struct idempotency *idempotency)
{
    struct kept_answer *kept = idempotency->oldest;

    HASH_DEL(idempotency->map, kept);
    DL_DELETE(idempotency->oldest, kept);
    idempotency->bytes -= cost(kept);
    free(kept);
}

void idempotency_fini(struct idempotency *idempotency)
{
    while (idempotency->oldest != NULL)
        drop_oldest(idempotency);
}

/* The channel's length before both: no two pairs look alike. */
static void make_key(struct buf *out, struct text channel, struct text key)
{
    buf_add(out, &channel.len, sizeof(channel.len));
    buf_add_text(out, channel);
    buf_add_text(out, key);
}

bool idempotency_find(const struct idempotency *idempotency, struct text channel, struct text key,
                      struct idempotency_answer *answer)
{
    const struct kept_answer *kept;
    struct buf whole = {0};

    make_key(&whole, channel, key);
    HASH_FIND(hh, idempotency->map, whole.at, whole.len, kept);
    buf_fini(&whole);
    if (kept == NULL)
        return false;
    answer->position = kept->position;
    answer->epoch = text_of(kept->bytes + kept->key_len, kept->epoch_len);
    return true;
}

static void add(struct idempotency *idempotency, struct text key,
                const struct idempotency_answer *answer, int64_t now_ms)
{
    struct kept_answer *kept = xcalloc(1, sizeof(*kept) + key.len + answer->epoch.len);

    kept->position = answer->position;
    kept->due_ms = now_ms + idempotency->ttl_ms;
    kept->key_len = key.len;
    kept->epoch_len = answer->epoch.len;
    memcpy(kept->bytes, key.at, key.len);
    if (answer->epoch.len > 0)
        memcpy(kept->bytes + key.len, answer->epoch.at, answer->epoch.len);
    HASH_ADD_KEYPTR(hh, idempotency->map, kept->bytes, kept->key_len, kept);
    DL_APPEND(idempotency->oldest, kept);
    idempotency->bytes += cost(kept);
}

void idempotency_add(struct idempotency *idempotency, struct text channel, struct text key,
                     const struct idempotency_answer *answer, int64_t now_ms)
{
    struct buf whole = {0};

    make_key(&whole, channel, key);
    add(idempotency, buf_text(&whole), answer, now_ms);
    buf_fini(&whole);
    while (idempotency->bytes > idempotency->max_bytes)
        drop_oldest(idempotency);
}

void idempotency_expire(struct idempotency *idempotency, int64_t now_ms)
{
    while (idempotency->oldest != NULL && idempotency->oldest->due_ms <= now_ms)
        drop_oldest(idempotency);
}
