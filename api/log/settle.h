/*
 * settle: the outbox numbers of one lane's writer, from the commit to the mark. A number may be marked once its events
 * are published and the cache has what changed; when the cache failed, once its generation was raised.
 *
 * What was written to the cache counts once news that were asked for afterwards show the same generation. Until then another process may
 * have raised it, and a third one have filled the new generation with what was there before our commit.
 *
 * On the writer's loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/store/coherence.h"
#include "api/worker.h"

struct settle;

struct settle *settle_create(struct worker *worker);
void settle_destroy(struct settle *settle); /* nothing may be under way: settle_is_quiet() */
bool settle_is_quiet(const struct settle *settle);

/* Sends `refresh` to the cache; afterwards the numbers may be marked. Copies them. */
void settle_cache(struct settle *settle, struct refresh *refresh, const int64_t *numbers, size_t count);

/*
 * Looks at the news, and moves on what is confirmed. True: something was written under a generation that is void now; it will not be marked,
 * the outbox must be done anew.
 */
bool settle_confirm(struct settle *settle);
bool settle_is_confirmed(const struct settle *settle); /* nothing waits for news */

/* Of what settle_confirm() found void, how many are not marked yet; and so many are, now that the outbox was done anew. */
size_t settle_voided(const struct settle *settle);
void settle_redone(struct settle *settle, size_t count);

/* How many numbers it was given that are not marked. */
size_t settle_outstanding(const struct settle *settle);

/* Numbers that may be marked, oldest first; valid until the next call on `settle` or turn of the loop: copy. */
const int64_t *settle_marks(const struct settle *settle, size_t *count);
/* The first `count` of them are marked. */
void settle_marked(struct settle *settle, size_t count);
