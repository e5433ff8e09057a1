/*
 * health: for those who watch over processes. Handlers outside of /v1, without a token and without
 * a task.
 */
#pragma once

#include "api/request/call.h"

/* GET /health -> 200: the loop turns. */
enum err health_get(struct call *call);
/* GET /ready -> 200 when PostgreSQL answers, else 503; Redis is told and may be away. */
enum err ready_get(struct call *call);
