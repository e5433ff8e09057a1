/*
 * responder: the API's ear on the bus: a rep0 socket with many questions open at once. One per
 * process; questions arrive on one loop, and answers are given on that loop's thread.
 *
 * Each question is taken once: it names who it is for, its asker and a number (window.h). Whoever does
 * not know who is here asks that first (Greet), which is answered by the responder itself.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/wire.h"

struct publisher;
struct responder;
struct inquiry; /* one question that waits for its answer */

struct responder_config {
    const char *url;
    struct text secret, other_secret; /* see seal.h */
    struct publisher *publisher;      /* this API's, that gateways may believe; NULL: it has none */
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

/* Each but `ended` is also said in the log, once a minute at most. */
struct responder_counters {
    uint64_t foreign;   /* dropped: not sealed with our key, or no question */
    uint64_t replayed;  /* dropped: was here before */
    uint64_t strangers; /* refused: for an API that was here before, whose gateway greets anew */
    uint64_t ended;     /* connections: a gateway went, or it sent what NNG refuses, as a frame that is
                           too large */
};
void responder_count(const struct responder *responder, struct responder_counters *out);

/* With it all of `open_limit` are open. */
bool inquiry_is_last(const struct inquiry *inquiry);

/* Over which connection it came, and whether that is still there. */
uint32_t inquiry_connection(const struct inquiry *inquiry);
bool responder_is_connected(uint32_t connection); /* any thread */

/*
 * Sends `answer` (its `id` is set here) and frees the inquiry and its question. An answer over
 * WIRE_MESSAGE_MAX becomes error 100.
 */
void inquiry_answer(struct inquiry *inquiry, Bus__Answer *answer);
/* Answers that it is done: there is nothing to tell. */
void inquiry_confirm(struct inquiry *inquiry);
/* Answers with an error. */
void inquiry_refuse(struct inquiry *inquiry, uint32_t code, const char *message, bool temporary);
/* The same for now: this API cannot, another one may; the asker tries them. Nothing must have been
 * done that must not be done again. */
void inquiry_refuse_elsewhere(struct inquiry *inquiry, uint32_t code, const char *message);
