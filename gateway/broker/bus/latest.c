/*
 * latest: recovery in cache mode (the protocol's 7.4): the latest publication alone, which passes the
 * subscriber's filter.
 *
 *   at the top already -> nothing is missing
 *   the ring has it    -> that
 *   else the stream is asked; when it is further than this gateway, the subscription waits until that
 *   has come, and looks again
 */
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/protocol/filter.h"

#define TRIES_MAX     3    /* on a channel that is always further */
#define LOOK_BACK_MAX 1000 /* publications that a filter is tried on */

static bool passes(const struct request *request, const struct parcel *parcel)
{
    return request->filter == NULL ||
           filter_passes(request->filter, parcel->tags, parcel->tag_count);
}

static bool is_at_top(const struct request *request)
{
    const struct channel *channel = request->about;

    return request->offset + 1 == channel->next && channel->epoch != NULL &&
           text_equal(request->epoch, text(channel->epoch));
}

/* `parcel` NULL: none passes. */
static void give(struct request *request, struct parcel *parcel)
{
    request_begin_publications(request, 1);
    if (parcel != NULL)
        request_add_publication(request, parcel);
    subscribes_grant_at(request, true);
}

/* ---- the stream ---- */

/* The latest that passes of those that came after the stream was read. */
static struct parcel *newer_that_passes(const struct request *request, uint64_t than)
{
    const struct ring_entry *entry = ring_find(&request->about->ring, than + 1);
    struct parcel *latest = NULL;

    for (; entry != NULL; entry = entry->newer)
        if (passes(request, entry->parcel))
            latest = entry->parcel;
    return latest;
}

/* With a reference; NULL: none passes. */
static struct parcel *told_that_passes(const struct request *request, const Bus__Publications *told)
{
    for (size_t i = 0; i < told->n_items; i++) {
        struct parcel *parcel = bus_parcel(told->items[i]);
        if (passes(request, parcel))
            return parcel;
        parcel_unref(parcel);
    }
    return NULL;
}

/* Is the latest of all one that is kept? */
static bool is_top_kept(const struct channel *channel, const Bus__Publications *told)
{
    const uint64_t top = channel->next - 1;

    if (told->offset < top)
        return ring_find(&channel->ring, told->offset + 1) != NULL;
    return told->n_items > 0 && told->items[0]->offset == top;
}

static void choose(struct request *request, const Bus__Publications *told)
{
    struct parcel *parcel;

    if (!is_top_kept(request->about, told)) {
        subscribes_grant_at(request, told->n_items == 0 && is_at_top(request));
        return;
    }
    parcel = newer_that_passes(request, told->offset);
    if (parcel != NULL) {
        give(request, parcel);
        return;
    }
    parcel = told_that_passes(request, told);
    give(request, parcel);
    parcel_unref(parcel);
}

static void on_latest(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;
    struct bus_broker *broker = request->broker;
    const Bus__Publications *told;

    if (!bus_succeeded(broker, request, err, answer)) {
        bus_answer(broker, request);
        return;
    }
    if (answer->told_case != BUS__ANSWER__TOLD_PUBLICATIONS) {
        bus_fail(broker, request);
        return;
    }
    told = answer->publications;
    if (!channel_has_epoch(request->about, wire_text(told->epoch)) ||
        (told->offset >= request->about->next && ++request->tries > TRIES_MAX)) {
        subscribes_grant_at(request, false);
        return;
    }
    if (told->offset < request->about->next) {
        choose(request, told);
        return;
    }
    request->as_of = told->offset;
    bus_place(broker, request->about, told->offset, wire_text(told->epoch));
    subscribes_wait(request);
}

static void ask(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamHistory history = BUS__STREAM_HISTORY__INIT;

    history.channel = wire_bytes(request->channel);
    history.reverse = true;
    history.limit = request->filter != NULL ? LOOK_BACK_MAX : 1;
    history.bytes = (uint32_t)request->broker->base.settings->client.recovery_max_bytes;
    history.history_meta_ttl_ms = request->namespace->history_meta_ttl_ms;
    question.ask_case = BUS__QUESTION__ASK_STREAM_HISTORY;
    question.stream_history = &history;
    bus_ask(request->broker, ASKER_ANY, &question, on_latest, request);
}

void latest_recover(struct request *request)
{
    struct channel *channel = request->about;
    const struct ring_entry *top = listening_ring(request->broker, channel, channel->next - 1);

    if (is_at_top(request) && request->offset > 0)
        subscribes_grant_at(request, true);
    else if (top != NULL && passes(request, top->parcel))
        give(request, top->parcel);
    else
        ask(request);
}
