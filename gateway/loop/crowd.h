/*
 * crowd: users' connections in this process, whatever loop they are on: how many each has
 * (client.user_connection_limit) and how often they may command together
 * (client.rate_limit.user_command). Anonymous connections belong to nobody and are not in it.
 *
 * Who leaves is remembered until its rate rests, or reconnecting would begin it anew; of too many
 * such the one that left first is forgotten. Any thread; one lock, taken per connection, and per
 * command where those are limited. Times are loop_now_ms().
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "gateway/protocol/command.h"
#include "gateway/settings.h"

#define CROWD_GONE_MAX 100000 /* users remembered who have left */

struct crowd;
struct crowd_member; /* a user that is here */

/* NULL: nothing is limited. Keeps `settings`. */
struct crowd *crowd_create(const struct settings *settings);
void crowd_destroy(struct crowd *crowd); /* everybody must have left; NULL does nothing */

/* One more connection of `user`. NULL: that would be too many. */
struct crowd_member *crowd_enter(struct crowd *crowd, struct text user, int64_t now_ms);
void crowd_leave(struct crowd *crowd, struct crowd_member *member, int64_t now_ms);

/* Counts one command. False: too many. */
bool crowd_passes(struct crowd *crowd, struct crowd_member *member, enum command_kind kind,
                  int64_t now_ms);
