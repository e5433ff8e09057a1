/*
 * question_bans: what gateways ask about whom the operator keeps out (api/model/ban.h). Each answers its inquiry exactly once; from
 * tasks.
 */
#pragma once

#include "api/worker.h"
#include "bus/responder.h"

/* An order that makes or lifts a ban: stored first, then told to all gateways. `order` gets its number. */
void question_ban(struct worker *worker, struct inquiry *inquiry, Bus__Order *order);
void question_bans(struct worker *worker, struct inquiry *inquiry, const Bus__BanList *ask);
