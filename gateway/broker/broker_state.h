/*
 * broker_state: what the files of the broker share: broker.c (life, letters, the bus's events),
 * connects.c, subscribes.c, questions.c, lookers.c, heal.c, sweep.c. For them alone. Broker's
 * thread.
 */
#pragma once

#include "bus/asker.h"
#include "bus/feed.h"
#include "gateway/broker/api_list.h"
#include "gateway/broker/broker.h"
#include "gateway/broker/channel.h"
#include "gateway/broker/ended.h"
#include "gateway/broker/lookers.h"
#include "gateway/broker/users.h"

struct hole;

struct broker {
    uv_loop_t *loop;
    const struct settings *settings;
    struct port *const *ports;
    unsigned port_count, stopped_count;
    struct mailbox *inbox;
    struct feed *feed;
    struct asker *asker;
    atomic_bool is_ready, stopping;
    struct metrics metrics;
    _Atomic uint64_t channel_count, ring_bytes; /* for broker_print() */

    struct channel *map, *channels; /* the same ones: by name, as a list */
    struct users users;
    struct ended ended;
    struct ring_store rings;
    struct lookers *lookers;

    struct request *connects; /* to be asked at the end of this turn; a list by `waiting` */
    size_t connect_count;

    /* heal.c */
    uv_timer_t heal_timer;
    struct channel *gaps, *retries; /* by the time they are due */
    size_t fetch_count;             /* History questions that are open */

    /* sweep.c */
    struct {
        bool running, again, tell_stale, tell_stale_next;
        struct channel *cursor; /* where the next page begins */
        uv_timer_t timer;
    } sweep;
    struct hole *holes;            /* Replay questions that are open */
    uint64_t publishers[APIS_MAX]; /* last heard of each API */

    uv_prepare_t before_poll;
    uv_check_t after_poll;
};

/* ---- broker.c, incoming.c ---- */

extern const struct feed_events incoming_events;

static inline int64_t broker_now_ms(const struct broker *broker)
{
    return (int64_t)uv_now(broker->loop);
}

void broker_ask(struct broker *broker, size_t api, Bus__Question *question, asker_done_fn done,
                void *context);

struct channel *broker_find(struct broker *broker, struct text name);
struct channel *broker_channel(struct broker *broker,
                               struct text name); /* makes it if it is not there */
void broker_hold(struct channel *channel);        /* a question about it is open */
void broker_unhold(struct broker *broker,
                   struct channel *channel); /* `channel` may be gone after it */

/* A publication as received, from the feed, Replay or History. */
void broker_take(struct broker *broker, const Bus__Publication *publication);
void broker_take_item(struct broker *broker, const Bus__Item *item);

/* Opens the channel's log at `offset` if it is not open, and delivers what was held. */
void broker_place(struct broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch);
/* Subscribers start anew: what is between cannot be told. The log is at `offset` from now on. */
void broker_reset(struct broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch);
/* After `next` or `top` moved: whoever waits for it goes on, a gap is healed. */
void broker_settle(struct broker *broker, struct channel *channel);

/* A session ended: remembered, and its connections closed. */
void broker_end_session(struct broker *broker, struct text user, struct text session, int code,
                        struct text reason);

void broker_answer(struct broker *broker,
                   struct request *request); /* sends it back; lets go of what it holds */
void broker_fail(struct broker *broker, struct request *request); /* error 100, temporary */
/* Copies the error of `answer`, or of nobody answering. True: there is none. */
MUST_CHECK bool broker_succeeded(struct broker *broker, struct request *request, enum err err,
                                 const Bus__Answer *answer);

/* ---- the others ---- */

void connects_add(struct broker *broker, struct request *request);
void connects_flush(struct broker *broker);

void subscribes_start(struct broker *broker, struct request *request);
void subscribes_go_on(
    struct request *request); /* the channel has caught up with what the answer said */

void questions_start(struct broker *broker, struct request *request);

void heal_open(struct broker *broker);
void heal_watch(struct broker *broker, struct channel *channel); /* its gap has opened or closed */
void heal_forget(struct broker *broker, struct channel *channel);

void sweep_open(struct broker *broker);
/* Compares all with the APIs, now or after the one that runs. `tell_stale`: lines and words to
 * users may be lost. */
void sweep_start(struct broker *broker, bool tell_stale);
void sweep_forget(struct broker *broker, struct channel *channel);
void sweep_hole(struct broker *broker, size_t api, uint64_t publisher, uint64_t from, uint64_t to);
void sweep_close(struct broker *broker);
