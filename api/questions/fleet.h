/*
 * fleet: the gateways as this API knows them: who said hello lately, what one of them has another do, and questions to all of them at
 * once. Worker 0's loop.
 */
#pragma once

#include <uv.h>

#include "api/worker.h"
#include "bus/responder.h"

#define FLEET_SILENCE_MS  10000 /* a gateway says hello every 3 s */
#define FLEET_NODES_MAX   1024
#define FLEET_YOUNG_MS    1000  /* gateways connect within 200 ms (bus/link.c), and say hello when they do */
#define FLEET_SURVEY_MS   900   /* no survey waits longer: after a second its asker tries another API, too */
#define FLEET_SURVEYS_MAX 64    /* open ones */

struct fleet *fleet_open(uv_loop_t *loop);
void fleet_close(struct fleet *fleet); /* no survey may be open; memory goes with libuv's close callback. NULL does nothing */

/* Each answers its inquiry exactly once. */
void fleet_hello(struct worker *worker, struct inquiry *inquiry, const Bus__Hello *hello);
void fleet_nodes(struct worker *worker, struct inquiry *inquiry);
void fleet_order(struct worker *worker, struct inquiry *inquiry, const Bus__Order *order);
/* Error 108: no gateway of that name was heard lately. While some may not have been heard yet: 100, and elsewhere. */
void fleet_emulation(struct worker *worker, struct inquiry *inquiry, const Bus__Emulation *emulation);
/*
 * From a task: waits until all gateways have answered, or the time is over: the answer says how many are missing, and whether what they
 * say was cut. While some gateways may not have been heard yet: 100, and elsewhere.
 */
void fleet_survey(struct worker *worker, struct inquiry *inquiry, const Bus__Survey *survey, uint32_t deadline_ms);
void fleet_survey_answer(struct worker *worker, struct inquiry *inquiry, const Bus__SurveyAnswer *answer);
