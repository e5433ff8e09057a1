/*
 * flights: tasks that ask for the same thing at the same time cost one question.
 *
 * The first one to come under a key opens a flight and waits for the end of the loop's turn; then
 * he, its pilot, asks for all who are aboard by then. Who comes later boards the next one, which
 * leaves when this one has landed. So nobody gets an answer to a question that was asked before he
 * came: what he had heard to be written is in it.
 *
 * One per loop, from its tasks only. No bound of its own: there are no more passengers than tasks.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/text.h"

struct flights;
struct flight;

struct flights *flights_open(uv_loop_t *loop);
void flights_close(struct flights *flights); /* nobody may be aboard */

/*
 * Boards under `key` and waits. `*is_pilot`: the flight is the caller's to fly: he asks for all
 * aboard and calls flight_land(). For all others it has landed when this returns. Everybody ends
 * with flight_leave().
 */
struct flight *flights_board(struct flights *flights, struct text key, int64_t passenger,
                             bool *is_pilot);

/*
 * Who is aboard, as they said when they boarded; in no order, some perhaps more than once. Does not
 * change once it flies.
 */
const int64_t *flight_passengers(const struct flight *flight, size_t *count);

/* By the pilot, once. `answer` is freed when the last one leaves; with an error it may be NULL. */
void flight_land(struct flight *flight, enum err err, void *answer,
                 void (*free_answer)(void *answer));

/* What it landed with; valid until flight_leave(). */
MUST_CHECK enum err flight_answer(const struct flight *flight, void **answer);

void flight_leave(struct flight *flight);

/* Some milliseconds: for a pilot who waits for what another process has under way. */
void flights_pause(struct flights *flights);
