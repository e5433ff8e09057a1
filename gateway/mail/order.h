/*
 * order: what the server API has all connections of somebody do, on every loop of every gateway.
 * Made by whoever asks, carried by requests and notices.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "gateway/channels/sub_override.h"
#include "gateway/protocol/codes.h"

enum order_kind {
    ORDER_DISCONNECT,  /* with `code`, `reason`; but not those in `whitelist` */
    ORDER_SUBSCRIBE,   /* to `channel`, server-side */
    ORDER_UNSUBSCRIBE, /* from `channel`; empty: from all */
    ORDER_REFRESH,     /* a new end of the connection */
    /* Who may come; these are remembered, and connections that they concern end. */
    ORDER_BLOCK_USER,   /* `user`, until `expires_s` */
    ORDER_UNBLOCK_USER, /* `user` */
    ORDER_REVOKE_TOKEN, /* that with the id `jti`, until `expires_s` */
    ORDER_REVOKE_USER,  /* tokens of `user` issued before `issued_before_s`, until `expires_s`; those
                           for `channel` alone unless it is empty */
};

struct order {
    enum order_kind kind;
    struct arena arena;
    /* Whose: those that fit all which are given. */
    struct text user, client, session;
    bool any_user; /* `user` is not looked at: `client` or `session` tells */
    struct text *whitelist;
    size_t whitelist_count;
    /* What. */
    int code;
    struct text reason;
    struct text channel, info, data; /* subscribe; refresh: info, empty: as it is */
    struct sub_override override;
    bool has_recover_since;
    uint64_t offset;
    struct text epoch;
    bool expires, expired; /* refresh: at `expires_s`; at once */
    bool has_expires;      /* `expires_s` was given; 0 then: never */
    int64_t expires_s;
    struct text jti;
    int64_t issued_before_s;
    uint64_t number; /* of a ban on the bus: a later one of the same user or token is newer; 0: none */
};

struct order *order_create(enum order_kind kind);
void order_destroy(struct order *order); /* NULL does nothing */
struct order *order_copy(const struct order *order);
