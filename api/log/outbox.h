/*
 * outbox: what a batch still owes after its commit. A living writer marks its rows when they are published and cached; rows of a dead API,
 * or of a broken connection, are done again from the log.
 */
#pragma once

#include "api/log/announce.h"
#include "api/store/coherence.h"
#include "api/store/db.h"
#include "api/worker.h"

/* The incarnations that have unmarked rows in a lane although nobody holds their lock: dead ones. */
extern const struct db_statement select_dead_owners;

/* Builds the query that forgets `numbers`. */
void outbox_build_mark(struct db_query *query, int lane, int64_t incarnation, const int64_t *numbers, size_t count);

/*
 * From a task: publishes the unmarked rows of `incarnation` in `lane` once more, refreshes what they changed in the cache, and marks them. Repeats
 * are harmless: gateways drop them, newer values in the cache stay. Returns how many rows it did in `*done`.
 */
MUST_CHECK enum err outbox_redo(struct worker *worker, int lane, int64_t incarnation, size_t *done);
