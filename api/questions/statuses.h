/*
 * statuses: who is online, as gateways say (api/model/status.h), told to those who have them on screen; and who is gone for long enough,
 * looked for a few times a second by every API: each change is found by one of them. Worker 0's loop.
 */
#pragma once

#include "api/worker.h"
#include "bus/responder.h"

struct statuses;

struct statuses *statuses_open(struct worker *worker);
void statuses_stop(struct statuses *statuses);  /* looks no more; a look under way ends by itself. NULL does nothing */
void statuses_close(struct statuses *statuses); /* none may be under way; memory goes with libuv's close callback. NULL does nothing */

/* From a task: stores those steps of `change` that are about it, and tells what changed. */
MUST_CHECK enum err statuses_take(struct worker *worker, const Bus__PresenceChange *change);
/* From a task: may this one see the status of that one, and what is it? Answers the inquiry. */
void question_subscribe_status(struct worker *worker, struct inquiry *inquiry, int64_t user_id, int64_t person_id);
