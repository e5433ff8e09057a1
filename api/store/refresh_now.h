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
