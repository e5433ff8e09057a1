/*
 * surveying: what one loop knows, for a survey (gateway/broker/survey.h). Loop's thread.
 */
#pragma once

#include "gateway/broker/survey.h"
#include "gateway/loop/loop.h"

void surveying_answer(struct loop *loop, struct survey *survey); /* adds to it; it stays the caller's */
