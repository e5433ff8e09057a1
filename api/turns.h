/*
 * turns: one thing of a person at a time, of those that cost much. Whoever comes while one is at work waits; of two who wait the
 * newer one is meant (somebody types on), and the older one is sent away.
 *
 * One per loop, from its tasks only. A person has one at work and one that waits there: its bound.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "base/err.h"

struct turns;

struct turns *turns_open(uv_loop_t *loop);
void turns_close(struct turns *turns); /* nobody may have a turn, or wait */

/* Waits for the turn, which ends with turns_end(). ERR_LIMIT: a newer one came; there is nothing to end. */
MUST_CHECK enum err turns_begin(struct turns *turns, int64_t person);
void turns_end(struct turns *turns, int64_t person);
