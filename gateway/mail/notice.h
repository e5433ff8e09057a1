/*
 * notice: a word of the broker to a loop that is no publication and no answer.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "gateway/mail/letter.h"
#include "gateway/mail/names.h"
#include "gateway/mail/order.h"
#include "gateway/protocol/reply.h"

enum notice_kind {
    NOTICE_JOIN,  /* `info` joined `channel`: for those there who want it */
    NOTICE_LEAVE, /* and left */
    NOTICE_ROOMS, /* `user` is a member of `rooms`, with one reference for each: of those that are new
                     here lines were missed */
    NOTICE_REMOVED, /* `user` is no member of `channel`, a room */
    NOTICE_RESET, /* publications of `channel` cannot be told: its full listeners must subscribe
                     anew, and its members are not known any more: NOTICE_ROOMS follow */
    NOTICE_DISCONNECT, /* end the connections of `user` (and `session`, if any) with `code`,
                          `reason`: the product's */
    NOTICE_ORDER,      /* `order` */
    NOTICE_EMULATION,  /* `data` came for the connection `session` */
    NOTICE_STALE,      /* lines may be missing: tell everybody */
    NOTICE_OVERRUN, /* publications were dropped, this loop was too slow: everybody must reconnect
                     */
    NOTICE_STOP,    /* the process ends: say goodbye to all clients */
    NOTICE_CLOSE,   /* nothing comes behind this: close */
};

struct notice {
    struct letter letter; /* LETTER_NOTICE */
    enum notice_kind kind;
    struct arena arena; /* of its texts */
    struct text channel, user, session, reason, data;
    struct client_info info;
    struct names rooms;
    int code;
    struct order *order; /* owned */
};

struct notice *notice_create(enum notice_kind kind, struct text channel);
struct notice *notice_presence(enum notice_kind kind, struct text channel,
                               const struct client_info *info);
struct notice *notice_disconnect(struct text user, struct text session, int code,
                                 struct text reason);
struct notice *notice_order(const struct order *order); /* copies */
struct notice *notice_rooms(struct text user, const struct names *rooms);
struct notice *notice_removed(struct text user, struct text room);
struct notice *notice_emulation(struct text session, struct text data);
void notice_destroy(struct notice *notice);
