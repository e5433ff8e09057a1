/*
 * my_rooms: what one person's chat list is made of: memberships, then rooms and heads. From the cache; what it does not
 * know, or does not know right, from the primary, and into the cache under leases. The answer is the same either way.
 */
#pragma once

#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/worker.h"
#include "base/err.h"

struct chat {
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
    void *held; /* what the texts are borrowed from */
};

/* From a task: all rooms that the user is a member of, in no order. Always my_rooms_fini(). */
MUST_CHECK enum err my_rooms_read(struct worker *worker, int64_t user_id, struct my_rooms *rooms);
void my_rooms_fini(struct my_rooms *rooms);
