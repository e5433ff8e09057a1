/*
 * rpc: runs a route's handler for a question of the bus: a call without HTTP.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct worker;

/*
 * `status` is what HTTP would have answered, `body` its JSON (a problem document when `err` is not ERR_OK); borrowed for the call.
 */
typedef void (*rpc_done_fn)(void *context, enum err err, int status, struct text body);

/*
 * Starts the handler of the route whose `rpc` is `method` in a task of its own on `worker` (its thread). `data` is the JSON object with
 * the path's ids ("room"), the query's and the body's members side by side; `path_room` (may be empty) wins over its "room". `done` is called
 * once, also when the method is unknown (ERR_NOT_FOUND) or too many tasks run (ERR_BUSY); it may be called from inside.
 */
void rpc_start(struct worker *worker, struct text method, int64_t user_id, int64_t session_id, struct text path_room,
               struct text data, rpc_done_fn done, void *context);
