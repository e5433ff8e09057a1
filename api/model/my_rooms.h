/*
 * my_rooms: one page of one person's chat list: memberships, then rooms and heads. From the cache; what it does not
 * know, or does not know right, from the primary, and into the cache under leases. The answer is the same either way.
 *
 * Of many rooms only those of the page are read: which they are is known by when something was last said in each (activity:{id}).
 */
#pragma once

#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/worker.h"
#include "base/err.h"

/* A place in the list: what is pinned stands above the rest, then activity, then room id; the newest come first. */
struct chat_place {
    bool is_pinned;
    int64_t activity_us, room_id;
};
int chat_place_compare(struct chat_place a, struct chat_place b); /* as qsort() wants it: what comes first is less */

struct chat_page {
    bool archived;
    bool has_after;
    struct chat_place after; /* the last one of the page before; else zeros */
    size_t limit;
};

struct chat {
    struct chat_place place;
    bool is_placed; /* private: by its activity, before its head was read */
    struct membership membership;
    struct room room;
    struct head head;
    bool has_room, has_head; /* a chat without either is not shown */
    bool is_fresh;           /* from the primary just now; private, with `bare_at` */
    bool is_awaited;         /* private: somebody else is about to put it into the cache */
    size_t bare_at;
};

struct my_rooms {
    struct chat *chats;
    size_t count;
    bool has_more;
    struct chat_place last; /* that was looked at: where the next page goes on */
    bool is_narrow; /* private: only those of the page were read */
    void *held; /* what the texts are borrowed from */
};

/* From a task: the page, in the list's order. Always my_rooms_fini(). */
MUST_CHECK enum err my_rooms_read(struct worker *worker, int64_t user_id, const struct chat_page *page, struct my_rooms *rooms);
void my_rooms_fini(struct my_rooms *rooms);
