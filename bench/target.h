/*
 * target: the server that is measured. It is the gateway, to which this program is the API behind
 * the bus, or the ceiling, which neither asks nor is told anything. What the load generators have
 * in common: these options, and who follows the one channel.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/options.h"
#include "bench/fake_api.h"
#include "bench/subscribers.h"

enum { TARGET_CEILING, TARGET_GATEWAY };

struct target {
    int kind;
    const char *name; /* "gateway" */
    int64_t port, pid;
    struct buf channel; /* "room:7" */
    char *room, *events_url, *questions_url, *bus_key, *token_secret;
};

/* Fills `target` from its options, and the program's `own` values from theirs, as options_load()
 * does. For the life of the program. */
void target_load(struct target *target, const struct options *own, int argc, char **argv);

/* What messages of the channel are made of. */
struct publication_shape target_shape(const struct target *target, size_t data_bytes);

/* The ceiling has no API: `*out` stays as it is. Who opened one closes it. */
MUST_CHECK enum err target_open_api(const struct target *target,
                                    const struct publication_shape *shape, struct fake_api **out);

/* At most `count` subscribers of the channel, none of them connected yet. */
struct subscribers *target_subscribers(const struct target *target, size_t count);
