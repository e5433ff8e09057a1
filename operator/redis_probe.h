/*
 * redis_probe: one question to Redis, for `parley doctor`. The only file of this folder that knows
 * hiredis.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

struct redis_probe {
    char why[160];     /* after an error: what Redis or the network said */
    char policy[32];   /* maxmemory-policy */
    int64_t maxmemory; /* bytes; 0 = no bound */
    bool persists;     /* it writes snapshots or a log to disk */
};

/* `host` may be the path of a socket. ERR_UNAVAILABLE: no answer within 2 s. ERR_BAD_CREDENTIALS:
 * the password is wrong. */
MUST_CHECK enum err redis_probe(struct redis_probe *probe, const char *host, int port,
                                const char *password);
