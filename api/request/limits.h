/*
 * limits: how often somebody may ask. Each route belongs to a class, each class has token buckets (of a user, a room, an address),
 * and a request takes one token of each: all of them or none.
 *
 * The buckets are in Redis, shared by all APIs, and asked about in one round trip. What Redis said is kept in memory too
 * (api/request/buckets.h): whoever has to wait is refused from there, and while Redis is away this process goes on from there alone. So
 * without Redis everybody may do at most so much at each API; nobody is refused for want of it, and nobody may do everything.
 */
#pragma once

#include <stdint.h>

#include "api/settings.h"
#include "base/err.h"
#include "base/json.h"

struct call;
struct limits;

/* Once per process. NULL: limits.exempt cannot be read (logged). */
struct limits *limits_create(const struct settings *settings);
void limits_destroy(struct limits *limits);

/*
 * From the call's task, once: ERR_LIMIT, with the limit's name and when to come again in the problem. Path ids must be readable: for a
 * socket RPC the body has been parsed. An app whose `limits` are NULL limits nothing.
 */
MUST_CHECK enum err limits_take(struct call *call);

/* The send was not for this room: whoever is no member must not be able to use up what its members may do. */
void limits_give_back(struct call *call);

/* From a handler whose request is as much as several: so many tokens more, of its route's buckets; never more than there can be. ERR_LIMIT. */
MUST_CHECK enum err limits_take_more(struct call *call, int64_t tokens);

/*
 * Wrong passwords for an account are counted by its login, whether there is such a one or not, beside those from an address: a token is taken
 * before and given back when the password was right. ERR_LIMIT: there was none; nothing is said yet, since its owner may go on from an address
 * where the account was used lately. Else limits_refuse_account().
 */
MUST_CHECK enum err limits_take_account(struct call *call, struct text login);
void limits_give_account_back(struct call *call, struct text login);
MUST_CHECK enum err limits_refuse_account(struct call *call);

/* For what a handler counts itself: 429 with the limit's name, to come again in so many seconds. */
MUST_CHECK enum err limits_refuse(struct call *call, enum limit limit, int wait_s, const char *why);

/* {"send": {"per_minute": 120, "burst": 60}, ...}: those that are in force. */
void limits_write(struct json_out *out, const struct settings *settings);
