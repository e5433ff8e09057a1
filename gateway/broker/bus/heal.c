/*
 * heal: a gap in a log (a room, or a stream of the operator's) is closed.
 *
 *   LIVE -> GAP       something came early, or is known to exist: the rest may only be late (two
 * APIs raced)
 *        -> FETCHING  after `heal.straggler_ms`: History is asked, page after page, and delivered
 * in order
 *        -> LIVE      nothing is missing any more; also from GAP and RETRYING, when it came by
 * itself FETCHING -> RETRYING -> FETCHING   nobody answered
 *
 * When History cannot tell what is missing (pruned, another epoch) the subscribers start anew:
 * bus_reset().
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/fail_point.h"
#include "gateway/broker/bus/bus_broker.h"

#define PAGE_PUBLICATIONS 300
#define PAGE_BYTES        262144
#define FRUITLESS_MAX                                                                              \
    20 /* fetches that bring nothing of what is said to exist, before it is given up */

static void fetch(struct bus_broker *broker, struct channel *channel);

/* ---- who is due when ---- */

static struct channel **list_of(struct bus_broker *broker, const struct channel *channel)
{
    return channel->state == CHANNEL_GAP ? &broker->gaps : &broker->retries;
}

static bool is_listed(const struct channel *channel)
{
    return channel->state == CHANNEL_GAP || channel->state == CHANNEL_RETRYING;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct bus_broker *broker)
{
    const struct channel *gap = broker->gaps, *retry = broker->retries;
    const bool full = broker->fetch_count >= (size_t)broker->base.settings->heal.fetch_max;

    if (full || (gap == NULL && retry == NULL)) {
        uv_timer_stop(&broker->heal_timer); /* the end of a fetch arms it again */
        return;
    }
    int64_t due_ms = gap != NULL ? gap->due_ms : retry->due_ms;
    if (retry != NULL && retry->due_ms < due_ms)
        due_ms = retry->due_ms;
    const int64_t wait_ms = due_ms - bus_now_ms(broker);
    uv_timer_start(&broker->heal_timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void unlist(struct bus_broker *broker, struct channel *channel)
{
    struct channel **list = list_of(broker, channel);

    DL_DELETE2(*list, channel, prev_due, next_due);
}

/* Each list has one pause for all, so that its first is the first to be due. */
static void enlist(struct bus_broker *broker, struct channel *channel, enum channel_state state,
                   int64_t pause_ms)
{
    channel_enter(channel, state);
    channel->due_ms = bus_now_ms(broker) + pause_ms;
    struct channel **list = list_of(broker, channel);
    DL_APPEND2(*list, channel, prev_due, next_due);
    arm(broker);
}

static void fetch_due(struct bus_broker *broker, struct channel **list)
{
    const int64_t now_ms = bus_now_ms(broker);

    while (*list != NULL && (*list)->due_ms <= now_ms &&
           broker->fetch_count < (size_t)broker->base.settings->heal.fetch_max)
        fetch(broker, *list);
}

static void on_timer(uv_timer_t *timer)
{
    struct bus_broker *broker = container_of(timer, struct bus_broker, heal_timer);

    fetch_due(broker, &broker->gaps);
    fetch_due(broker, &broker->retries);
    arm(broker);
}

void heal_open(struct bus_broker *broker)
{
    CHECK(uv_timer_init(broker->base.loop, &broker->heal_timer) == 0);
}

void heal_watch(struct bus_broker *broker, struct channel *channel)
{
    const bool gap = channel_has_gap(channel) && !fail_point("no_healing");

    if (gap && channel->state == CHANNEL_LIVE)
        enlist(broker, channel, CHANNEL_GAP, broker->base.settings->heal.straggler_ms);
    if (!gap && is_listed(channel)) {
        unlist(broker, channel);
        channel_enter(channel, CHANNEL_LIVE);
    }
    if (!gap)
        channel->fruitless = 0;
}

void heal_forget(struct bus_broker *broker, struct channel *channel)
{
    if (is_listed(channel))
        unlist(broker, channel);
}

/* ---- fetching ---- */

static void fail_waiting(struct bus_broker *broker, struct channel *channel)
{
    while (channel->waiting != NULL) {
        struct request *request = channel->waiting;
        LL_DELETE2(channel->waiting, request, waiting);
        metrics_add(&broker->base.metrics, METRIC_SUBSCRIBES_FAILED, 1);
        bus_fail(broker, request);
    }
}

static void retry(struct bus_broker *broker, struct channel *channel)
{
    fail_waiting(broker, channel); /* they have waited long enough: the client asks again */
    enlist(broker, channel, CHANNEL_RETRYING, broker->base.settings->heal.retry_ms);
}

/* False: the history begins behind what is missing. */
static bool take_page(struct bus_broker *broker, struct channel *channel, const Bus__Publications *told)
{
    for (size_t i = 0; i < told->n_items; i++) {
        if (told->items[i]->offset > channel->next)
            return false;
        bus_take(broker, told->items[i]);
    }
    return true;
}

/* A stream has come further, and keeps nothing of that any more. A room keeps all. */
static bool is_gone(const struct channel *channel, const Bus__Publications *told)
{
    return channel->namespace != NULL && told->n_items == 0 && told->offset >= channel->next;
}

/* What a page has brought; the channel is in FETCHING. */
static void take_answer(struct bus_broker *broker, struct channel *channel,
                        const Bus__Publications *told)
{
    const uint64_t before = channel->next;
    const struct text epoch = wire_text(told->epoch);

    if (bus_has_left(broker, channel, epoch)) { /* an API that lags behind */
        retry(broker, channel);
        return;
    }
    if (!channel_has_epoch(channel, epoch) || is_gone(channel, told) ||
        !take_page(broker, channel, told) ||
        (channel->next == before && ++channel->fruitless > FRUITLESS_MAX)) {
        channel_enter(channel, CHANNEL_LIVE);
        channel->fruitless = 0;
        bus_reset(broker, channel, told->offset, epoch);
        return;
    }
    channel_expect(channel, told->offset);
    if (!channel_has_gap(channel))
        channel_enter(channel, CHANNEL_LIVE);
    else if (channel->next > before)
        fetch(broker, channel);
    else
        retry(broker, channel);
}

static void on_fetched(void *context, enum err err, const Bus__Answer *answer);

/* The way from a channel back to its broker. */
struct fetch {
    struct bus_broker *broker;
    struct channel *channel;
};

static void fetch(struct bus_broker *broker, struct channel *channel)
{
    struct fetch *context = xmalloc(sizeof(*context));

    if (is_listed(channel))
        unlist(broker, channel);
    channel_enter(channel, CHANNEL_FETCHING);
    bus_hold(channel);
    broker->fetch_count++;
    metrics_add(&broker->base.metrics, METRIC_FETCHES, 1);

    *context = (struct fetch){broker, channel};
    bus_ask_log(broker, channel, channel->next - 1, PAGE_PUBLICATIONS, PAGE_BYTES, on_fetched,
                context);
}

static void on_fetched(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = ((struct fetch *)context)->broker;
    struct channel *channel = ((struct fetch *)context)->channel;

    free(context);
    broker->fetch_count--;
    if (!channel_has_gap(channel)) {
        channel_enter(channel, CHANNEL_LIVE); /* it came by itself */
    } else if (err == ERR_OK && answer->error_code == 0 &&
               answer->told_case == BUS__ANSWER__TOLD_PUBLICATIONS) {
        take_answer(broker, channel, answer->publications);
    } else if (err == ERR_OK && answer->error_code != 0 && !answer->error_temporary) {
        channel_enter(channel, CHANNEL_LIVE); /* the room is gone, or nobody's business */
        bus_reset(broker, channel, channel->top, (struct text){0});
    } else {
        retry(broker, channel);
    }
    bus_settle(broker, channel);
    bus_unhold(broker, channel);
    arm(broker);
}
