/*
 * sessions_end: sessions end, for every API and gateway.
 */
#pragma once

#include <stdint.h>

#include "api/store/db.h"
#include "api/worker.h"
#include "base/err.h"

/*
 * Ends `session_id` of the user, or with 0 all of them; says so to everybody. How many ended is in `*count`. From a task. Done twice
 * is the same as once.
 */
MUST_CHECK enum err sessions_end(struct worker *worker, int64_t user_id, int64_t session_id, int *count);

/* Says so to everybody, of what end_sessions() or change_password() of the schema has answered. */
void sessions_tell_ended(struct app *app, int64_t user_id, const struct db_rows *rows);
