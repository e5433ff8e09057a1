/*
 * rate: how often somebody may send commands of one kind (client.rate_limit.*). One number per kind:
 * the time up to which what was let through has used its share (the generic cell rate algorithm,
 * ITU-T I.371): a whole bucket may come at once, later ones at its rate. Loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "gateway/protocol/command.h"
#include "gateway/settings.h"

struct rate; /* of one connection or one user */

/* NULL: not limited. */
struct rate *rate_create(const struct rate_settings *settings);
void rate_destroy(struct rate *rate); /* NULL does nothing */

/* All its buckets are whole again: a new one would be the same. NULL rests. */
bool rate_rests(const struct rate *rate, int64_t now_ms);

/* Counts one command. False: too many. NULL passes. */
bool rate_passes(struct rate *rate, const struct rate_settings *settings, enum command_kind kind,
                 int64_t now_ms);
