/*
 * recover: what a subscriber missed since its last position, from the channel's ring or from History.
 *
 *   start -> (the ring has it) -> missed_end
 *         -> ask_history -> on_history -> keep_told, for the ring
 *                                      -> recover_from, for all who wait for the answer -> missed_end
 *
 * missed_end() grants: `recovered` when all is there up to the present, within the bounds of count and
 * bytes; else truthfully not. In cache mode: latest.c.
 */
#include <stdlib.h>
#include <utlist.h>

#include "gateway/broker/bus/bus_broker.h"

/* What a subscriber missed is gathered in its request, within its bounds. */
struct missed {
    struct request *request;
    size_t max;
    size_t bytes, max_bytes;
    uint64_t next; /* offset that must come next */
    bool good;
};

static void missed_add(struct missed *missed, struct parcel *parcel)
{
    if (!missed->good || parcel->offset < missed->next)
        return;
    missed->bytes += parcel->data.len;
    if (parcel->offset != missed->next || missed->request->publication_count == missed->max ||
        missed->bytes > missed->max_bytes) {
        missed->good = false;
        return;
    }
    request_add_publication(missed->request, parcel);
    missed->next++;
}

static struct missed missed_begin(struct request *request)
{
    const struct settings *settings = request->broker->base.settings;
    const size_t max = (size_t)settings->client.recovery_max_publications;

    request_begin_publications(request, max);
    return (struct missed){
        .request = request,
        .max = max,
        .max_bytes = (size_t)settings->client.recovery_max_bytes,
        .next = request->offset + 1,
        .good = true,
    };
}

static void add_from_ring(struct missed *missed, const struct channel *channel)
{
    const struct ring_entry *entry = ring_find(&channel->ring, missed->next);

    for (; entry != NULL; entry = entry->newer)
        missed_add(missed, entry->parcel);
}

/* Grants with what was gathered, if it reaches the present. */
static void missed_end(struct missed *missed)
{
    struct request *request = missed->request;
    const bool recovered = missed->good && missed->next == request->about->next;

    if (!recovered)
        request_drop_publications(request);
    subscribes_grant_at(request, recovered);
}

/* One question for all who come back at once: who missed as much or less waits for the same answer. */
struct shared_history {
    struct channel *channel;
    uint64_t after;
    struct request *waiting; /* a list; the first has asked */
};

/* What an answer told, for all of them. */
struct told_history {
    struct parcel **parcels; /* ascending */
    size_t count;
    uint64_t top;
    bool good; /* of the channel's epoch */
};

static struct told_history read_history(const struct channel *channel, const Bus__Answer *answer)
{
    struct told_history told = {0};

    if (answer->told_case != BUS__ANSWER__TOLD_PUBLICATIONS ||
        !channel_has_epoch(channel, wire_text(answer->publications->epoch)))
        return told;
    told.good = true;
    told.top = answer->publications->offset;
    told.count = answer->publications->n_items;
    told.parcels = xcalloc(told.count + 1, sizeof(*told.parcels));
    for (size_t i = 0; i < told.count; i++)
        told.parcels[i] = bus_parcel(answer->publications->items[i]);
    return told;
}

/* Its bytes ended it: who missed less may need what is behind. */
static bool is_cut(const struct told_history *told)
{
    return told->count > 0 && told->parcels[told->count - 1]->offset < told->top;
}

static void told_history_fini(struct told_history *told)
{
    for (size_t i = 0; i < told->count; i++)
        parcel_unref(told->parcels[i]);
    free(told->parcels);
}

/* Publications that came meanwhile are in the ring, since the channel is held. */
static void recover_from(struct request *request, const struct told_history *told)
{
    struct missed missed = missed_begin(request);

    if (!told->good || !channel_has_epoch(request->about, request->epoch)) /* it may have ended meanwhile */
        missed.good = false;
    for (size_t i = 0; missed.good && i < told->count; i++) {
        if (told->parcels[i]->offset >= request->about->next)
            break; /* the others will come behind the answer */
        missed_add(&missed, told->parcels[i]);
    }
    /* What a stream does not tell any more, the ring must not tell either. */
    if (request->namespace != NULL && missed.next <= told->top && missed.next < request->about->next)
        missed.good = false;
    add_from_ring(&missed, request->about);
    missed_end(&missed);
}

/*
 * Those who come back a moment later find it in the ring, as they do when their gateway kept it: a crowd
 * asks once for a room, not once for each turn of the loop. Rooms alone: what is told of an operator's
 * stream has an end.
 */
static void keep_told(struct bus_broker *broker, struct channel *channel,
                      const struct told_history *told)
{
    size_t count = told->count;

    if (channel->namespace != NULL || count == 0)
        return;
    /* Where the log ended may have been read later than what is told of it. */
    if (told->parcels[count - 1]->offset < channel->revised)
        return;
    while (count > 0 && told->parcels[count - 1]->offset >= channel->next)
        count--; /* not delivered yet */
    if (count > 0 && (channel->ring.newest != NULL ||
                      told->parcels[count - 1]->offset + 1 == channel->next))
        ring_extend(&broker->rings, &channel->ring, told->parcels, count);
}

static void ask_history(struct bus_broker *broker, struct request *request);

static void on_history(void *context, enum err err, const Bus__Answer *answer)
{
    struct shared_history *shared = context;
    struct request *request = shared->waiting, *next;
    struct bus_broker *broker = request->broker;
    struct channel *channel = shared->channel;
    struct told_history told = {0};
    const uint64_t after = shared->after;

    bus_hold(channel); /* answers let go of it */
    if (channel->shared == shared)
        channel->shared = NULL;
    free(shared);
    if (err == ERR_OK && answer->error_code == 0)
        told = read_history(channel, answer);
    keep_told(broker, channel, &told);
    for (; request != NULL; request = next) {
        next = request->waiting;
        if (!bus_succeeded(broker, request, err, answer))
            bus_answer(broker, request);
        else if (is_cut(&told) && request->offset > after)
            ask_history(broker, request);
        else
            recover_from(request, &told);
    }
    told_history_fini(&told);
    bus_unhold(broker, channel);
}

static void ask_history(struct bus_broker *broker, struct request *request)
{
    const struct settings *settings = broker->base.settings;
    struct channel *channel = request->about;
    struct shared_history *shared = channel->shared;

    request->waiting = NULL;
    if (shared != NULL && request->offset >= shared->after) {
        LL_PREPEND2(shared->waiting->waiting, request, waiting);
        return;
    }
    shared = xcalloc(1, sizeof(*shared));
    *shared = (struct shared_history){channel, request->offset, request};
    if (channel->shared == NULL)
        channel->shared = shared;
    bus_ask_log(broker, channel, request->offset,
                (uint32_t)settings->client.recovery_max_publications,
                (uint32_t)settings->client.recovery_max_bytes, on_history, shared);
}

void recover_start(struct request *request)
{
    struct bus_broker *broker = request->broker;
    struct channel *channel = request->about;
    const uint64_t top = channel->next - 1;
    struct missed missed;

    if (!channel_has_epoch(channel, request->epoch) || request->offset > top ||
        top - request->offset > (uint64_t)broker->base.settings->client.recovery_max_publications) {
        subscribes_grant_at(request, false);
        return;
    }
    if (request->offset < top && listening_ring(broker, channel, request->offset + 1) == NULL) {
        ask_history(broker, request);
        return;
    }
    missed = missed_begin(request);
    add_from_ring(&missed, channel);
    missed_end(&missed);
}
