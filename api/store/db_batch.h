/*
 * db_batch: the queries that were sent with one Sync, and lists of such batches. Loop's thread
 * only.
 */
#pragma once

#include "api/store/db.h"

struct batch {
    struct batch *next;
    struct db_query *queries;
    size_t count;
    size_t answered;
    enum err err; /* the first error: the whole batch was rolled back */
    int64_t sent_at_ms;
    void (*done)(void *context);
    void *context;
};

struct batches { /* oldest first */
    struct batch *first, **last;
};

void batches_init(struct batches *list);
void batches_add(struct batches *list, struct batch *batch);
struct batch *batches_take(struct batches *list); /* the oldest; NULL when empty */

/* Tells all of the list, with `err` unless it is ERR_OK, and frees them. Their `done` may add to
 * the list anew. */
void batches_finish(struct batches *list, enum err err);
