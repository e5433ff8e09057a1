/*
 * notice: a word of the broker to a loop that is no publication and no answer.
 */
#pragma once

#include "base/text.h"
#include "gateway/frame.h"
#include "gateway/mail/letter.h"

enum notice_kind {
    NOTICE_PRESENCE, /* `frame` (a join or leave) for those on `channel` who want it */
    NOTICE_RESET,    /* publications of `channel` cannot be told: its full listeners must subscribe
                        anew */
    NOTICE_DISCONNECT, /* end the connections of `user` (and `session`, if any) with `code`,
                          `reason` */
    NOTICE_STALE,      /* lines may be missing: tell everybody */
    NOTICE_OVERRUN, /* publications were dropped, this loop was too slow: everybody must reconnect
                     */
    NOTICE_STOP,    /* the process ends: say goodbye to all clients */
    NOTICE_CLOSE,   /* nothing comes behind this: close */
};

struct notice {
    struct letter letter; /* LETTER_NOTICE */
    enum notice_kind kind;
    struct text channel, user, session, reason; /* point behind the struct */
    int code;
    struct frame *frame; /* a reference of its own */
};

struct notice *notice_create(enum notice_kind kind, struct text channel);
struct notice *notice_disconnect(struct text user, struct text session, int code,
                                 struct text reason);
void notice_destroy(struct notice *notice);
