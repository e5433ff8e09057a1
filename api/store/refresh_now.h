/*
 * refresh_now: a refresh of the cache from a task, for what does not go through a lane's writer.
 */
#pragma once

#include "api/store/coherence.h"
#include "api/worker.h"
#include "base/err.h"

/*
 * Stores what `refresh` gathered and waits. When the cache failed, or its generation was raised meanwhile, it is raised, so that the cache
 * never serves what it missed. An error: neither could be done (the database is away too).
 */
MUST_CHECK enum err refresh_now(struct worker *worker, struct refresh *refresh);

/*
 * From a task, before an UPDATE of what stands under `what`:`id`, followed by refresh_now(): should the process die between, or the outcome
 * stay unknown, the cache has nothing of it, and so nothing old. An error: nothing can be promised, so change nothing.
 */
MUST_CHECK enum err refresh_prepare(struct worker *worker, const char *what, int64_t id);
