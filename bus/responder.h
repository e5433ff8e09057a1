/*
 * responder: the API's ear on the bus: a rep0 socket with many questions open at once. One per
 * process; questions arrive on one loop, and answers are given on that loop's thread.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/wire.h"

struct responder;
struct inquiry; /* one question that waits for its answer */

struct responder_config {
    const char *url;
    struct text secret, other_secret; /* see seal.h */
    uint64_t boot; /* what this start of the API is called: its publisher's id; 0: something random */
    int open_limit; /* questions open at once, e.g. 256; more wait in NNG */
};

/* Loop's thread. The inquiry must be answered exactly once, at any later time (also from inside the
 * call). */
typedef void (*responder_fn)(void *context, struct inquiry *inquiry, const Bus__Question *question);

MUST_CHECK enum err responder_open(struct responder **out, uv_loop_t *loop,
                                   const struct responder_config *config, responder_fn on_question,
                                   void *context);
/* Open inquiries stay valid: answering them does nothing but free them. Memory goes with the last
 * of them. */
void responder_close(struct responder *responder);

struct responder_counters {
    uint64_t foreign, replayed; /* questions that were dropped */
};
struct responder_counters responder_count(const struct responder *responder);

/* Over which connection it came, and whether that is still there. */
uint32_t inquiry_connection(const struct inquiry *inquiry);
bool responder_is_connected(uint32_t connection); /* any thread */

/*
 * Sends `answer` (its `id` is set here) and frees the inquiry and its question. An answer over
 * WIRE_MESSAGE_MAX becomes error 100.
 */
void inquiry_answer(struct inquiry *inquiry, Bus__Answer *answer);
/* Answers with an error. */
void inquiry_refuse(struct inquiry *inquiry, uint32_t code, const char *message, bool temporary);
/* The same for now: this API cannot, another one may; the asker tries them. Nothing must have been
 * done that must not be done again. */
void inquiry_refuse_elsewhere(struct inquiry *inquiry, uint32_t code, const char *message);
