/*
 * banned: users that were blocked, and tokens that were revoked (server API). Each entry ends by
 * itself; of too many the oldest is forgotten. Kept by each loop for itself, until the process ends;
 * on the bus the API keeps them for good, and each has a number (gateway/broker/bus/bans.c). Loop's
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/mail/order.h"

#define BANNED_MAX 200000 /* entries of one loop: twice what an API keeps */

struct ban;

struct banned {
    struct ban *map; /* by kind and name, the oldest first */
    uint64_t forgotten; /* that still held, for want of room; nobody has counted them yet */
};

void banned_fini(struct banned *banned);

/* An order of these kinds is remembered, or undone; others do nothing. False: it is no news, what is
 * known of the same user or token has this number or a later one. */
bool banned_take(struct banned *banned, const struct order *order, int64_t now_s);

bool banned_has_user(struct banned *banned, struct text user, int64_t now_s);
/* `jti` may be empty, `issued_s` 0: not said, which is before any time. */
bool banned_has_token(struct banned *banned, struct text user, struct text jti, int64_t issued_s,
                      int64_t now_s);
/* The same of a subscription's token, which may also have been revoked for its channel alone. */
bool banned_has_sub_token(struct banned *banned, struct text user, struct text channel,
                          struct text jti, int64_t issued_s, int64_t now_s);
