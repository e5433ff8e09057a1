/*
 * batch: rows of one lane that are committed together: which rows fit beside each other, the pipelined statements
 * that they become, and what the answers mean for rows, bus and cache. No life of its own: see lane_writer.
 *
 * Order: messages, then changes of members, then cursors, then views of rooms, each statement seeing those before it. Rows of one statement do not see each other, so
 * a room is closed for further rows of the batch after a change in it, and a nonce, a cursor or a view stands in it once.
 */
#pragma once

#include "api/log/announce.h"
#include "api/store/coherence.h"
#include "api/store/db.h"
#include "api/log/log_queue.h"
#include "api/log/room_log.h"

struct batch;

struct batch *batch_create(size_t rows_max);
void batch_destroy(struct batch *batch); /* must hold no rows */

/* Moves up to `limit` rows that fit beside each other from the queue; per room in the queue's order. A row that is `alone` stands in it by itself. */
void batch_take(struct batch *batch, struct log_queue *queue, size_t limit);
size_t batch_count(const struct batch *batch);
/* Before they are put back: nobody knows what became of its rows; one of them is refused by the database. */
void batch_doubt(struct batch *batch);
void batch_part(struct batch *batch);
/* Puts all rows back to the queue's front, in their order. */
void batch_untake(struct batch *batch, struct log_queue *queue);

struct batch_owner { /* who writes the outbox rows */
    int64_t incarnation;
    int64_t next_number; /* advanced for each outbox row */
};

/* Builds the statements; `mark` are outbox numbers that are done and are forgotten in the same transaction. */
struct db_query *batch_build(struct batch *batch, int lane, struct batch_owner *owner, const int64_t *mark, size_t mark_count,
                             size_t *query_count);

struct db_query *batch_queries(struct batch *batch, size_t *count); /* as built, with their answers */

/* After the commit: fills the rows' answers, and gathers what to publish and to cache. Rows are answered by the caller. */
void batch_read(struct batch *batch, struct text epoch, struct announcer *announcer, struct refresh *refresh);
/* After batch_read(): the outbox rows that were written; valid until the next one. */
const int64_t *batch_owed(const struct batch *batch, size_t *count);
/* Takes the rows out, in order; NULL at the end. */
struct log_row *batch_pop(struct batch *batch);
/* Frees the queries' parameters and rows, after success or failure. */
void batch_release(struct batch *batch);
