/*
 * lane_writer: the one connection of this process that writes a lane. While a batch is being committed it collects the next.
 *
 * Lives on one worker's loop; use it there only (room_log.c carries rows between loops).
 */
#pragma once

#include "api/log/room_log.h"

struct lane_writer;

struct lane_writer *lane_writer_open(struct worker *worker, int lane, int64_t incarnation);
/* Answers what waits, marks the outbox, closes. `done` is called from the loop. */
void lane_writer_close(struct lane_writer *writer, void (*done)(void *context), void *context);

struct worker *lane_writer_worker(const struct lane_writer *writer);
bool lane_writer_is_ready(const struct lane_writer *writer); /* rows are taken now; any thread */

/*
 * Takes a row; room_log_answer() follows later, from the loop. ERR_UNAVAILABLE: no database, ERR_BUSY: too many wait; then it
 * was not taken.
 */
MUST_CHECK enum err lane_writer_take(struct lane_writer *writer, struct log_row *row);

/* Gives a row back to its task, on whichever loop that lives. */
void room_log_answer(struct log_row *row);
