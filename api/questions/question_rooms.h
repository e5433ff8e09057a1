/*
 * question_rooms: the gateways' questions about sessions, memberships and logs. Each answers its inquiry exactly once; from tasks. All
 * read the primary.
 */
#pragma once

#include "api/worker.h"
#include "bus/responder.h"

/* What the database said instead of an answer. */
void question_refuse(struct inquiry *inquiry, enum err err);
void question_finish(struct db_query *queries, size_t count); /* frees what they were sent with, and brought */

void question_connect(struct worker *worker, struct inquiry *inquiry, const Bus__Connect *ask);
void question_memberships(struct worker *worker, struct inquiry *inquiry, const Bus__Memberships *ask);
void question_subscribe(struct worker *worker, struct inquiry *inquiry, const Bus__Subscribe *ask);
void question_history(struct worker *worker, struct inquiry *inquiry, const Bus__History *ask);
void question_heads(struct worker *worker, struct inquiry *inquiry, const Bus__Heads *ask);
void question_ended(struct worker *worker, struct inquiry *inquiry, const Bus__EndedSessions *ask);
