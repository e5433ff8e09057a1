/*
 * questions: what gateways ask over the bus, and what the API says. Worker 0's loop.
 */
#pragma once

#include "bus/responder.h"

/* For responder_open(); `context` is the struct app. */
void questions_answer(void *context, struct inquiry *inquiry, const Bus__Question *question);
