/*
 * question_presence: what gateways tell and ask about who is in a channel (api/questions/presence.h). Each answers its inquiry exactly
 * once; from tasks.
 */
#pragma once

#include "api/worker.h"
#include "bus/responder.h"

/* Stored, and told to all gateways. */
void question_presence_change(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceChange *change);
void question_presence(struct worker *worker, struct inquiry *inquiry, const Bus__PresenceList *ask);
