/*
 * subscribers: many WebSocket connections in one thread that follow one channel: they connect,
 * subscribe, answer pings, and check that every publication comes once and in order.
 *
 * They leave from 127.0.0.1 to 127.0.0.8, since one pair of addresses has only some 28,000 ports.
 * The server may be the gateway (connect with a token, subscribe) or the ceiling, which sends
 * publications to whoever shook hands.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

struct subscribers;

struct subscribers_config {
    int port;
    const char *path;         /* "/connection/websocket" */
    size_t count;             /* connections, at most */
    struct text channel;      /* "room:7" */
    struct text token_secret; /* HS256 key of connection tokens; empty: the server is the ceiling */
    struct text audience;
    int64_t user_id, session_id; /* of all of them; 0: everybody is a user of their own, for an API that knows any */
};

struct subscribers_counts {
    uint64_t delivered; /* publications in order */
    uint64_t repeated;  /* an offset that had come before */
    uint64_t skipped;   /* offsets passed over */
    uint64_t bytes;     /* received, all of it */
    uint64_t pings;     /* answered */
    uint64_t others;    /* pushes of other channels, joins and so on */
    uint64_t lost;      /* connections that ended */
};

/* None is connected yet. */
struct subscribers *subscribers_create(const struct subscribers_config *config);
void subscribers_destroy(struct subscribers *subscribers); /* closes them; NULL does nothing */

/* Connects further ones, some at once, until `count` in all follow the channel. ERR_UNAVAILABLE:
 * that took over `timeout_ms`, or one was refused or lost (logged). */
MUST_CHECK enum err subscribers_connect(struct subscribers *subscribers, size_t count,
                                        int timeout_ms);

/* Reads what has come, waiting up to `wait_ms` for anything at all. */
void subscribers_read(struct subscribers *subscribers, int wait_ms);
const struct subscribers_counts *subscribers_count(const struct subscribers *subscribers);
