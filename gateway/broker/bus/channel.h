/*
 * channel: what the broker knows about one channel: which loops listen, and for a log (a room, or a
 * stream of the operator's) where it stands: the next expected offset, what came too early, recent
 * publications.
 *
 * Publications are put in order here and nowhere else: channel_judge() says what one is,
 * channel_hold() keeps what came early, channel_next_held() gives it back in its turn. Broker's
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "gateway/mail/parcel.h"
#include "gateway/broker/bus/ring.h"

struct namespace;
struct request;

enum channel_state {
    CHANNEL_OPENING,  /* its place is not known yet, a question about it is open: all that comes is
                         held */
    CHANNEL_LIVE,     /* nothing is missing */
    CHANNEL_GAP,      /* something is missing: it may only be late */
    CHANNEL_FETCHING, /* the API is asked for it */
    CHANNEL_RETRYING, /* that failed; it is asked again after a pause */
    CHANNEL_STATE_COUNT,
};

/* What came early, of all channels together: it waits for what is before it. */
struct hold_store {
    size_t bytes, max_bytes;
    size_t max_count; /* of one channel */
    uint64_t let_go;  /* for want of either: the API is asked for them in their turn */
};

/* References that a loop holds (hub.h). */
struct channel_given {
    uint32_t full, member;
};

struct channel {
    enum channel_state state;
    bool streamed;      /* has a log: offsets count */
    bool is_pattern;    /* stands for all channels that match it */
    bool strayed; /* after the last publication of the log others went out that are not in it */
    uint64_t heard; /* publications without an offset */
    uint16_t fruitless; /* fetches one after the other that brought nothing */
    uint32_t loop_count;
    uint64_t began; /* followed from here on: nothing up to this offset was taken */
    uint64_t next;  /* expected offset */
    uint64_t top;   /* the highest offset that is known to exist */
    uint64_t revised; /* the last that revises, or where it was placed since: an answer that does not reach it is not kept */
    uint32_t holds; /* open questions about it */
    uint32_t held_count;
    struct hold_store *store;
    struct parcel *held; /* came early, by offset; counted in `store` */
    struct ring ring;
    int64_t ring_until_ms; /* of the operator's: then what is in the ring counts no more */
    const struct namespace *namespace; /* of the operator's; NULL: the product's own */
    struct shared_history *shared; /* a question about what subscribers missed; recover.c */
    struct request *waiting; /* subscribers until `next` is beyond what their answer said */
    struct channel *prev, *next_channel; /* of all: sweep.c goes through them */
    struct channel *prev_pattern, *next_pattern;
    struct channel *prev_due, *next_due; /* GAP, RETRYING: when to go on; heal.c */
    int64_t due_ms;
    UT_hash_handle hh;
    char *epoch; /* NULL: not known yet */
    uint32_t name_len;
    char *name;                   /* behind `given` */
    struct channel_given given[]; /* one for each loop */
};

static inline struct text channel_text(const struct channel *channel)
{
    return text_of(channel->name, channel->name_len);
}

/* `store` outlives it. */
struct channel *channel_create(struct text name, const struct namespace *namespace, bool streamed,
                               unsigned loop_count, struct hold_store *store);
/* Nobody listens, asks or waits any more. The ring must be empty. */
void channel_destroy(struct channel *channel);

/* The one door between states: checks the move. */
void channel_enter(struct channel *channel, enum channel_state state);

/* The log has come to `offset`: the next one is expected. Held ones up to there, and those of
 * another epoch, are dropped. */
void channel_place(struct channel *channel, uint64_t offset, struct text epoch);
bool channel_has_epoch(const struct channel *channel,
                       struct text epoch); /* an empty one on either side counts as the same */

enum channel_verdict {
    CHANNEL_NEXT,   /* deliver it now, and then what channel_next_held() gives */
    CHANNEL_REPEAT, /* drop it */
    CHANNEL_EARLY,  /* hold it */
};
enum channel_verdict channel_judge(const struct channel *channel, uint64_t offset);

/* Keeps a reference of its own, in order. When there is no room the latest ones of the channel are let
 * go; false: that is this one, or it is there already. */
bool channel_hold(struct channel *channel, struct parcel *parcel);
/* The held one whose turn it is, with its reference; NULL: none. */
struct parcel *channel_next_held(struct channel *channel);

/* Does anything stand between what was delivered and what is known to exist? */
static inline bool channel_has_gap(const struct channel *channel)
{
    return channel->streamed && channel->state != CHANNEL_OPENING && channel->top >= channel->next;
}

static inline void channel_expect(struct channel *channel, uint64_t offset)
{
    if (offset > channel->top)
        channel->top = offset;
}

bool channel_is_listened_to(const struct channel *channel); /* any loop has a reference */
bool channel_is_followed(const struct channel *channel);    /* full */
