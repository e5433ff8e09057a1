/*
 * coherence: how Redis stays right: newer wins, fills need a lease. All scripts that change the cache are in coherence.c.
 *
 * Keys: room:{id}, head:{id}, activity:{id}, user:{id} (texts of cache_value.h), shunned:{user} (shunned.h), rooms:{user} (a hash room id -> membership, complete when it exists).
 * All values are sealed (cache_seal.h) on their way here; who reads takes the seals off.
 * A writer replaces an older value by what it read under the room's lock, and breaks the key's lease. A reader that fills a miss takes the lease
 * before it reads the primary, and stores only while that very lease stands: so a late fill of an old value is not possible. A writer never fills:
 * he may be late, and what was newer flushed or evicted.
 */
#pragma once

#include "api/store/cache.h"
#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/model/user.h"
#include "base/err.h"

/* ---- for writers: gather, then send once ---- */

struct refresh; /* a set of values to store */

struct refresh *refresh_create(void);
void refresh_destroy(struct refresh *refresh);
void refresh_room(struct refresh *refresh, const struct room *room);
void refresh_head(struct refresh *refresh, const struct head *head); /* and activity:{id} */
void refresh_user(struct refresh *refresh, const struct user *user);
void refresh_membership(struct refresh *refresh, const struct membership *membership);
/* Nothing is kept of it any more, nor what somebody is about to fill in. */
void refresh_drop(struct refresh *refresh, const char *what, int64_t id);
/*
 * Renews what the cache has of all that was gathered, and empties the set. `done` is called once, from the loop: an error means that the cache may hold
 * old values now: its generation must be raised. Nothing gathered: done with ERR_OK all the same.
 */
void refresh_send(struct refresh *refresh, struct cache *cache, int64_t ttl_ms, void (*done)(void *context, enum err err),
                  void *context);

/*
 * From a task, before a change that no outbox row stands for: forgets what is under `key`, and lets nobody fill it in before the change
 * is through (refresh_send() gives it free) or `ms` have passed: who dies between leaves no old value. ERR_UNAVAILABLE: Redis did not say.
 */
MUST_CHECK enum err cache_hold(struct cache *cache, struct text key, int64_t ms);

/* ---- for readers, from tasks ---- */

#define LEASE_BYTES 17

struct lease {
    char token[LEASE_BYTES]; /* empty: not given, do not fill */
};

/* Appends the key without prefix: "head:17". */
void cache_key(struct buf *out, const char *what, int64_t id);

/*
 * Asks for leases on `count` keys; those that somebody holds stay empty, unless `anyway`, which takes them away. ERR_UNAVAILABLE: Redis did
 * not say, or not of all; then they stay empty, too.
 */
enum err lease_take(struct cache *cache, const struct text *keys, struct lease *leases, size_t count, bool anyway);
/* Stores texts under leased keys (others are skipped), not waiting for the outcome. */
void lease_fill(struct cache *cache, const struct text *keys, const struct lease *leases, const struct text *values, size_t count,
                int64_t ttl_ms);
/* The same for one rooms:{user} hash: `fields` and `values` side by side. */
void lease_fill_hash(struct cache *cache, struct text key, const struct lease *lease, const struct text *fields,
                     const struct text *values, size_t count, int64_t ttl_ms);
