/*
 * settle: the outbox numbers of one lane's writer, from the commit to the mark. A number may be marked once its events
 * are published and the cache has what changed; when the cache failed, once its generation was raised.
 *
 * On the writer's loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/coherence.h"
#include "api/worker.h"

struct settle;

struct settle *settle_create(struct worker *worker);
void settle_destroy(struct settle *settle); /* nothing may be under way: settle_is_quiet() */
bool settle_is_quiet(const struct settle *settle);

/* Sends `refresh` to the cache; afterwards the numbers from..to-1 may be marked. */
void settle_cache(struct settle *settle, struct refresh *refresh, int64_t from, int64_t to);

/* Numbers that may be marked, oldest first; valid until the next call on `settle` or turn of the loop: copy. */
const int64_t *settle_marks(const struct settle *settle, size_t *count);
/* The first `count` of them are marked. */
void settle_marked(struct settle *settle, size_t count);
