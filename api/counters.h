/*
 * counters: what this process did and what it refused, for /metrics. Any thread; counting costs one atomic add.
 *
 * They are the process's, like its log: what counts, deep in the stores, knows no app.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "bus/publisher.h"

/* Each with a sentence on what its rise means. */
#define COUNTERS_TABLE(X)                                                                                                                \
    X(REQUESTS, "requests", "Requests to /v1, of sockets too")                                                                           \
    X(REQUESTS_BUSY, "requests_busy", "Answered 503 since api.tasks_max were at work already")                                           \
    X(REQUESTS_LATE, "requests_late", "Answered 503 since api.deadline_ms had passed: a store is slow, or hangs")                        \
    X(QUESTIONS, "questions", "Questions of gateways")                                                                                   \
    X(QUESTIONS_BUSY, "questions_busy", "Questions passed on to another API since api.tasks_max were at work already")                   \
    X(QUESTIONS_FULL, "questions_full", "Questions of gateways that took the last place of bus.open_max: more wait unread")                  \
    X(DB_BUSY, "db_busy", "Queries refused since db.open_max were under way: the database is too slow for what is asked")                \
    X(CACHE_SKIPPED, "cache_skipped", "Commands that Redis was not asked since redis.open_max were under way")                           \
    X(HASH_BUSY, "hash_busy", "Passwords not looked at since hash.queue waited already: many sign in, or somebody guesses")              \
    X(LIMITED_REGISTER, "limited_register", "Answered 429: new accounts from one address (limits.register)")                             \
    X(LIMITED_SIGN_IN, "limited_sign_in", "Answered 429: sign-ins from one address (limits.sign_in): somebody guesses, or many share one") \
    X(LIMITED_REFRESH, "limited_refresh", "Answered 429: refreshed tokens from one address (limits.refresh)")                            \
    X(LIMITED_PASSWORD, "limited_password", "Answered 429: a person changes the own password, or tries to (limits.password)")            \
    X(LIMITED_SEND, "limited_send", "Answered 429: a person's messages (limits.send)")                                                   \
    X(LIMITED_SEND_ROOM, "limited_send_room", "Answered 429: a room's messages (limits.send_room)")                                      \
    X(LIMITED_WRITE, "limited_write", "Answered 429: a person's changes of other kinds (limits.write)")                                  \
    X(LIMITED_READ, "limited_read", "Answered 429: a person's questions (limits.read)")                                                  \
    X(LIMITED_SEARCH, "limited_search", "Answered 429: a person's searches (limits.search), or several at a time")                       \
    X(LIMITED_FIND, "limited_find", "Answered 429: a person looks for people, rooms or groups (limits.find)")                            \
    X(LIMITED_ACCOUNT, "limited_account", "Answered 429: somebody guesses at an account's password (limits.account)")                    \
    X(LIMITS_ALONE, "limits_alone", "Requests counted in this process alone since Redis was away")                                       \
    X(LIMITS_FORGOTTEN, "limits_forgotten", "Buckets forgotten before they were full since limits.places were in use")                   \
    X(ROWS, "rows", "Messages and changes handed to the writers of the lanes")                                                           \
    X(ROWS_BUSY, "rows_busy", "Refused with 503 since batch.waiting_max waited for their lane: the database is too slow for it")         \
    X(OUTBOX_BUSY, "outbox_busy", "Refused with 503 since a lane's outbox had batch.outbox_max rows: Redis or the news of it hang")      \
    X(BANS_REFUSED, "bans_refused", "Users and tokens not banned (106) since bans.max are")                                                \
    X(OUTBOX_REDONE, "outbox_redone", "Batches published or cached again: an API died, a connection broke, or the cache was voided")

enum counter {
#define X(name, label, help) COUNTER_##name,
    COUNTERS_TABLE(X)
#undef X
        COUNTER_COUNT,
};

/* What there is now. */
#define GAUGES_TABLE(X)                                                                                                                  \
    X(OUTBOX, "outbox_rows", "Outbox rows that are not marked yet, of all lanes; each has batch.outbox_max")

enum gauge {
#define X(name, label, help) GAUGE_##name,
    GAUGES_TABLE(X)
#undef X
        GAUGE_COUNT,
};

void gauge_add(enum gauge gauge, int64_t change);

void counter_add(enum counter counter, uint64_t count);
uint64_t counter_value(enum counter counter);

/* All of them, and what `publisher` keeps for Replay, as Prometheus reads them. */
void counters_write(struct buf *out, struct publisher *publisher);
