/*
 * my_rooms_parts: what the files behind my_rooms.h share.
 */
#pragma once

#include "api/model/my_rooms.h"
#include "api/store/cache.h"
#include "api/store/coherence.h"

/* Keys filled by one read, an even number. All of 10,000 rooms at once are more commands than may be open, and more than Redis does in time. */
#define FILL_MAX 2000

/* Where an answer may come from. */
enum haste {
    FROM_CACHE, /* or not at all */
    PATIENTLY,  /* what others hold leases for is left to them */
    AT_ONCE,    /* whatever leases say */
};

/* What the chats' texts point into; counted, since the passengers of a flight share it. */
struct held {
    size_t refs;
    struct cache_command values; /* MGET: room and head of each chat */
    struct db_query *lanes;      /* select_heads, one per lane */
    size_t lane_count;
    struct buf bytes;            /* bare messages of those */
};

/* Keys in one buffer: add them all, then settle. */
struct my_keys {
    struct buf bytes;
    struct text *list;
    size_t *ends;
    size_t count;
};

void my_keys_init(struct my_keys *keys, size_t most);
void my_keys_add(struct my_keys *keys, const char *what, int64_t id);
void my_keys_settle(struct my_keys *keys);
void my_keys_fini(struct my_keys *keys);

void chat_set_place(struct chat *chat, int64_t activity_us);

/*
 * Leaves the chats of one page (and one more, if there are more), placed by when something was last said in each; few rooms are left
 * as they are, since they are read whole. `rooms` are memberships so far. `*is_whole` becomes false when others are waited for.
 */
MUST_CHECK enum err my_rooms_narrow(struct worker *worker, enum haste haste, const struct chat_page *page, struct my_rooms *rooms,
                                    bool *is_whole);
