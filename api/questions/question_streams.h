/*
 * question_streams: the gateways' questions about the operator's channels: publications into streams and past them, and what streams hold.
 * Each answers its inquiry exactly once; from tasks. Without Redis only what needs no stream is answered.
 */
#pragma once

#include "api/worker.h"
#include "bus/responder.h"

void question_stream_publish(struct worker *worker, struct inquiry *inquiry, const Bus__StreamPublish *ask);
void question_stream_heads(struct worker *worker, struct inquiry *inquiry, const Bus__StreamHeads *ask);
void question_stream_history(struct worker *worker, struct inquiry *inquiry, const Bus__StreamHistory *ask);
void question_stream_remove(struct worker *worker, struct inquiry *inquiry, const Bus__StreamRemove *ask);
