/*
 * broker: the one serialising point of a gateway: it knows where each channel's stream stands, and
 * tells the loops what they listen to. Two of them stand behind this header: *bus* (bus/: positions
 * and answers come from APIs) and *memory* (memory/: a gateway alone keeps streams and presence
 * itself).
 *
 * Lives on one loop (that of loop 0), talks to all loops by letters. Answers and publications go
 * through the same mailbox of a loop, and a subscription's position is decided in the same step in
 * which the loop gets its reference: so an answer "position P" is always followed by exactly P + 1,
 * P + 2 …
 */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "bus/mailbox.h"
#include "gateway/metrics.h"
#include "gateway/mail/port.h"
#include "gateway/mail/returns.h"
#include "gateway/settings.h"

struct webhooks;

/* What the two have in common; each embeds it first. */
struct broker {
    const struct broker_kind *kind;
    uv_loop_t *loop;
    const struct settings *settings;
    struct port *const *ports; /* one for each loop, in their order */
    unsigned port_count, stopped_count;
    struct mailbox *inbox; /* LETTER_REQUEST, LETTER_RETURNS, and LETTER_SURVEY on its way */
    struct webhooks *webhooks; /* set before the loops run; NULL: none */
    /* All loops have stopped, nothing is left but handles: broker_close() must follow, now or later.
     * NULL: at once. */
    void (*on_stopped)(struct broker *broker);
    atomic_bool is_ready, stopping;
    size_t survey_count; /* under way; they come back before it closes */
    bool closing;        /* no further ones begin */
    struct metrics metrics;
    _Atomic uint64_t channel_count, ring_bytes; /* for broker_print() */
    uv_prepare_t before_poll;
    uv_check_t after_poll;
};

struct broker_kind {
    /* Answers it in time: port_post_answer(), once, at any later time. */
    void (*take_request)(struct broker *broker, struct request *request);
    /* References that a loop gave back, or a client that left. */
    void (*take_back)(struct broker *broker, unsigned loop, const struct returned *returned);
    size_t (*count_channels)(const struct broker *broker); /* that somebody here listens to */
    void (*end_turn)(struct broker *broker); /* all that came in this turn of the loop was taken */
    void (*print)(const struct broker *broker, struct buf *out); /* further gauges; any thread */
    void (*close)(struct broker *broker); /* all loops have stopped: its handles */
    void (*free)(struct broker *broker);
};

/* `ports` and `settings` outlive it. ERR_INVALID, ERR_UNAVAILABLE: the bus cannot be opened (logged).
 */
MUST_CHECK enum err broker_open(struct broker **out, uv_loop_t *loop,
                                const struct settings *settings, struct port *const *ports,
                                unsigned port_count);
/* For the kinds: fills in what is common. */
void broker_init(struct broker *broker, const struct broker_kind *kind, uv_loop_t *loop,
                 const struct settings *settings, struct port *const *ports, unsigned port_count);

void broker_print(void *broker, struct buf *out); /* gauges, as Prometheus text; any thread */

static inline int64_t broker_now_ms(const struct broker *broker)
{
    return (int64_t)uv_now(broker->loop);
}

/* To every loop: each gets a notice of its own, that `make` makes of `of`. */
void broker_tell_all(struct broker *broker, struct notice *(*make)(const void *of), const void *of);

/* This gateway has its first listener of the channel, or has lost its last one. */
void broker_tell_occupied(struct broker *broker, struct text channel, bool occupied);

/*
 * Tells all loops to stop; when the last has, broker_close() tells them to close, and closes itself,
 * as soon as no survey is under way: until then this gateway says what it knows, as it is asked.
 * Then nothing of it is left on libuv's loop, and broker_free() may follow.
 */
void broker_stop(struct broker *broker);
void broker_close(struct broker *broker);
void broker_free(struct broker *broker);

/* For survey.c: one is on its way through the loops, or has come back. */
void broker_begin_survey(struct broker *broker);
void broker_end_survey(struct broker *broker);

/* The two (bus/bus_broker.c, memory/memory_broker.c); for broker_open(). */
MUST_CHECK enum err bus_broker_open(struct broker **out, uv_loop_t *loop,
                                    const struct settings *settings, struct port *const *ports,
                                    unsigned port_count);
MUST_CHECK enum err memory_broker_open(struct broker **out, uv_loop_t *loop,
                                       const struct settings *settings, struct port *const *ports,
                                       unsigned port_count);
