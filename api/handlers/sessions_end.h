/*
 * sessions_end: sessions end, for every API and gateway.
 */
#pragma once

#include <stdint.h>

#include "api/worker.h"
#include "base/err.h"

/*
 * Ends `session_id` of the user, or with 0 all of them, but never `keep_id` (0: none); says so to everybody. How many ended is in
 * `*count`. From a task. Done twice is the same as once.
 */
MUST_CHECK enum err sessions_end(struct worker *worker, int64_t user_id, int64_t session_id, int64_t keep_id, int *count);
