/*
 * bus_broker: the broker of a gateway with APIs: it owns the feed and the asker (bus/), knows where
 * each channel's log stands, and asks the APIs for all else.
 *
 * This header is what its files share: bus_broker.c (life), incoming.c (what comes from the bus),
 * listening.c (patterns, and who hears of a channel), bans.c, connects.c, memberships.c, doubts.c,
 * subscribes.c, recover.c, latest.c, questions.c, presence.c, streams.c, fan.c, lookers.c, heal.c,
 * sweep.c, fleet.c, surveys.c. For them alone. Broker's thread.
 */
#pragma once

#include "bus/asker.h"
#include "bus/feed.h"
#include "gateway/broker/bus/api_list.h"
#include "gateway/broker/broker.h"
#include "gateway/broker/bus/channel.h"
#include "gateway/broker/bus/ended.h"
#include "gateway/broker/bus/lookers.h"
#include "gateway/broker/bus/request_queue.h"
#include "gateway/broker/bus/users.h"

struct bus_bans;
struct bus_doubts;
struct bus_fleet;
struct hole;
struct page;

#define SEEN_MAX 65536 /* publications without an offset by their id, and epochs that were left */

struct bus_broker {
    struct broker base; /* first */
    struct feed *feed;
    struct asker *asker;
    struct channel *map, *channels; /* the same ones: by name, as a list */
    struct users users;
    struct ended ended;
    struct ring_store rings;
    struct hold_store holding;
    struct lookers *lookers;
    struct channel *patterns; /* a list; a part of `channels` */
    size_t pattern_count;
    uint64_t *seen; /* ids of what came lately, each in its place */
    size_t api_count;
    struct bus_fleet *fleet;
    struct bus_bans *bans;
    struct bus_doubts *doubts;

    struct request_queue connects; /* to be asked */
    size_t connects_open; /* questions under way */

    /* heal.c */
    uv_timer_t heal_timer;
    struct channel *gaps, *retries; /* by the time they are due */
    size_t fetch_count;             /* History questions that are open */

    /* sweep.c */
    struct {
        bool running, again, tell_stale, tell_stale_next;
        bool at_streams; /* rooms and users are done */
        struct channel *cursor; /* where the next page begins */
        struct page *page; /* users that are being asked about; memberships.c */
        uv_timer_t timer;
        void (*next)(struct bus_broker *broker); /* when `timer` ends */
        int64_t asked_ms; /* for the last page */
        uv_timer_t check; /* streams alone, every while */
    } sweep;
    struct hole *holes;            /* Replay questions that are open */
    size_t hole_count;
    uint64_t publishers[APIS_MAX]; /* last heard of each API */

    struct feed_counters fed; /* what /metrics knows of them */
    struct asker_counters asked;
    int64_t counted_ms;
};

/* ---- bus_broker.c, incoming.c ---- */

extern const struct feed_events incoming_events;

static inline int64_t bus_now_ms(const struct bus_broker *broker)
{
    return (int64_t)uv_now(broker->base.loop);
}

void bus_ask(struct bus_broker *broker, size_t api, Bus__Question *question, asker_done_fn done,
                void *context);

struct channel *bus_find(struct bus_broker *broker, struct text name);
/* `user:` of somebody; NULL: nobody of them is here. */
struct channel *bus_find_own(struct bus_broker *broker, struct text user);
/* Makes it if it is not there. `namespace` NULL: the product's own. */
struct channel *bus_channel(struct bus_broker *broker, struct text name,
                            const struct namespace *namespace);
void bus_hold(struct channel *channel);        /* a question about it is open */
void bus_unhold(struct bus_broker *broker,
                   struct channel *channel); /* `channel` may be gone after it */

/* As the loops get it, with one reference. */
struct parcel *bus_parcel(const Bus__Publication *publication);
/* The same for a pattern: `matched` is the channel that it was published to. */
struct parcel *bus_parcel_matched(const Bus__Publication *publication, struct text matched);

/* A publication as received, from the feed, Replay or History. */
void bus_take(struct bus_broker *broker, const Bus__Publication *publication);
void bus_take_item(struct bus_broker *broker, size_t api, const Bus__Item *item);

/* Was this heard before, as far as anybody remembers? It is from now on. 0: cannot be told. */
bool bus_was_seen(struct bus_broker *broker, uint64_t id);

static inline bool bus_has_stream(const struct namespace *namespace)
{
    return namespace != NULL && namespace->history_size > 0 && namespace->history_ttl_ms > 0;
}

/* Opens the channel's log at `offset` if it is not open, and delivers what was held. Does nothing with an
 * epoch that was left. */
void bus_place(struct bus_broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch);
/* Subscribers start anew: what is between cannot be told. The log is at `offset` from now on. */
void bus_reset(struct bus_broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch);
/* Was the channel, not long ago, in this epoch? Stragglers of it may come: going back would end every
 * subscription once more. */
bool bus_has_left(const struct bus_broker *broker, const struct channel *channel, struct text epoch);
/* After `next` or `top` moved: whoever waits for it goes on, a gap is healed. */
void bus_settle(struct bus_broker *broker, struct channel *channel);

/* Publications of the channel's log behind `after`, of whoever keeps it: told_case PUBLICATIONS. */
void bus_ask_log(struct bus_broker *broker, const struct channel *channel, uint64_t after,
                 uint32_t limit, uint32_t bytes, asker_done_fn done, void *context);

/* A session ended: remembered, and its connections closed. */
void bus_end_session(struct bus_broker *broker, struct text user, struct text session, int code,
                        struct text reason);

void bus_answer(struct bus_broker *broker,
                   struct request *request); /* sends it back; lets go of what it holds */
void bus_fail(struct bus_broker *broker, struct request *request); /* error 100, temporary */
/* Copies the error of `answer`, or of nobody answering. True: there is none. */
MUST_CHECK bool bus_succeeded(struct bus_broker *broker, struct request *request, enum err err,
                                 const Bus__Answer *answer);

/* ---- the others ---- */

/* Tells the loops of a ban. */
void bans_take(struct bus_broker *broker, const Bus__Order *order);
/* Are all bans up to this number told to the loops? */
bool bans_are_known(const struct bus_broker *broker, uint64_t number);
/* Asks for those that are not known here. `done` follows, never from inside; false: nobody answered. */
void bans_ask(struct bus_broker *broker, void (*done)(void *context, bool known), void *context);
void bans_open(struct bus_broker *broker);
void bans_close(struct bus_broker *broker);

void connects_add(struct bus_broker *broker, struct request *request); /* 111 when too many wait */
void connects_flush(struct bus_broker *broker);
/* NULL: no answer to a question about so many users, or one that makes no sense; it may know of fewer. */
const Bus__Connected *connects_told(enum err err, const Bus__Answer *answer, size_t asked);
/* Into request->rooms: what was told, and what the log said since the question; request->loop gets a
 * reference for each. */
void connects_give_rooms(struct bus_broker *broker, struct request *request,
                         const Bus__ConnectedUser *told, struct text epoch);

/*
 * Tells the loops which rooms the next users here have, from the sweep's cursor on. False: there are
 * no more. `done` follows, never from inside: `told` or nobody answered.
 */
MUST_CHECK bool memberships_tell(struct bus_broker *broker,
                                 void (*done)(struct bus_broker *broker, bool told));
void memberships_close(struct bus_broker *broker); /* its question, if any, is not answered any more */

/* It comes from before we followed the room: whom it adds or removes is asked about, if they are here. */
void doubts_note(struct bus_broker *broker, const Bus__Publication *publication);
/* An answer that was read at `as_of` has let somebody into a room: an older one does not throw them out. */
void doubts_granted(struct bus_broker *broker, struct text user, struct text room, uint64_t as_of);
void doubts_flush(struct bus_broker *broker); /* asks, at the end of a turn; not after doubts_close() */
void doubts_open(struct bus_broker *broker);
void doubts_close(struct bus_broker *broker);

void subscribes_start(struct bus_broker *broker, struct request *request);
void subscribes_go_on(
    struct request *request); /* the channel has caught up with what the answer said */

/* Decided: the answer, with what was gathered if it `recovered`. */
void subscribes_grant_at(struct request *request, bool recovered);
/* Goes on when the channel has come to `as_of`. */
void subscribes_wait(struct request *request);
void recover_start(struct request *request);  /* from its position */
void latest_recover(struct request *request); /* in cache mode */

/* The channel is a pattern from now on, as long as somebody listens. False: there are too many. */
MUST_CHECK bool listening_take_pattern(struct bus_broker *broker, struct channel *channel);
void listening_forget(struct bus_broker *broker, struct channel *channel);
/* To the patterns that stand for its channel. */
void listening_tell_patterns(struct bus_broker *broker, const Bus__Publication *publication);
void listening_give(struct bus_broker *broker, struct channel *channel, unsigned loop);

/* The recent publications of the operator's channel as far as they may still be told; NULL: ask. */
const struct ring_entry *listening_ring(struct bus_broker *broker, struct channel *channel,
                                        uint64_t from);

void questions_start(struct bus_broker *broker, struct request *request);
void presence_start(struct bus_broker *broker, struct request *request); /* who is there, how many */
void streams_start(struct bus_broker *broker, struct request *request); /* of the operator's */
/* Asks for the request's publication in `channel`; told_case POSITION. */
void streams_publish(struct request *request, struct text channel, asker_done_fn done,
                     void *context);
void fan_publish(struct request *request); /* in all channels that match its own */

void fleet_open(struct bus_broker *broker);
void fleet_greet(struct bus_broker *broker, size_t api); /* says hello: it may not know us yet */
void fleet_leave(struct bus_broker *broker); /* surveys need not wait for this gateway any more */
void fleet_start(struct bus_broker *broker, struct request *request);
void fleet_take(struct bus_broker *broker, size_t api, const Bus__Item *item);
void fleet_close(struct bus_broker *broker);

void heal_open(struct bus_broker *broker);
void heal_watch(struct bus_broker *broker, struct channel *channel); /* its gap has opened or closed */
void heal_forget(struct bus_broker *broker, struct channel *channel);

void sweep_open(struct bus_broker *broker);
/* Compares all with the APIs, now or after the one that runs. `tell_stale`: lines and words to
 * users may be lost. */
void sweep_start(struct bus_broker *broker, bool tell_stale);
/* Goes on with `next`, which asks for a page: now, or when `heal.sweep_rate` lets it. */
void sweep_go_on(struct bus_broker *broker, void (*next)(struct bus_broker *broker));
/* Asks any API for a page. */
void sweep_ask(struct bus_broker *broker, Bus__Question *question, asker_done_fn done, void *context);
void sweep_forget(struct bus_broker *broker, struct channel *channel);
void sweep_hole(struct bus_broker *broker, size_t api, uint64_t publisher, uint64_t from, uint64_t to);
void sweep_close(struct bus_broker *broker);
