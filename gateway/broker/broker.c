#include "gateway/broker/broker.h"

#include <stdlib.h>

#include "gateway/broker/survey.h"
#include "gateway/outside/webhooks.h"

#define INBOX_RESERVE (1 << 16)

/* ---- letters of the loops ---- */

static void take_returns(struct broker *broker, struct returns *returns)
{
    struct returned returned;
    size_t at = 0;

    while (returns_next(returns, &at, &returned))
        broker->kind->take_back(broker, returns->loop, &returned);
    const bool stopped = returns->last && ++broker->stopped_count == broker->port_count;
    returns_destroy(returns);
    if (stopped && broker->on_stopped != NULL)
        broker->on_stopped(broker);
    else if (stopped)
        broker_close(broker);
}

static void on_letter(void *context, void *item)
{
    struct broker *broker = context;
    const struct letter *letter = item;

    if (letter->kind == LETTER_REQUEST)
        broker->kind->take_request(broker, item);
    else if (letter->kind == LETTER_SURVEY)
        survey_go_on(item);
    else
        take_returns(broker, item);
}

/* ---- turns ---- */

static void before_poll(uv_prepare_t *handle)
{
    struct broker *broker = container_of(handle, struct broker, before_poll);

    broker->kind->end_turn(broker);
}

static void after_poll(uv_check_t *handle)
{
    struct broker *broker = container_of(handle, struct broker, after_poll);

    broker->kind->end_turn(broker);
}

static void start_turns(struct broker *broker)
{
    CHECK(uv_prepare_init(broker->loop, &broker->before_poll) == 0);
    CHECK(uv_prepare_start(&broker->before_poll, before_poll) == 0);
    CHECK(uv_check_init(broker->loop, &broker->after_poll) == 0);
    CHECK(uv_check_start(&broker->after_poll, after_poll) == 0);
}

/* ---- opening ---- */

enum err broker_open(struct broker **out, uv_loop_t *loop, const struct settings *settings,
                     struct port *const *ports, unsigned port_count)
{
    if (settings->gateway.broker == BROKER_BUS)
        return bus_broker_open(out, loop, settings, ports, port_count);
    return memory_broker_open(out, loop, settings, ports, port_count);
}

void broker_init(struct broker *broker, const struct broker_kind *kind, uv_loop_t *loop,
                 const struct settings *settings, struct port *const *ports, unsigned port_count)
{
    /* Requests: one per client; returns: one per turn of a loop. */
    const size_t limit = (size_t)settings->http.connection_limit * port_count + INBOX_RESERVE;

    broker->kind = kind;
    broker->loop = loop;
    broker->settings = settings;
    broker->ports = ports;
    broker->port_count = port_count;
    broker->inbox = mailbox_open(loop, limit, on_letter, broker);
    for (unsigned i = 0; i < port_count; i++)
        ports[i]->metrics = &broker->metrics;
    start_turns(broker);
}

/* ---- gauges, notices ---- */

void broker_print(void *context, struct buf *out)
{
    const struct broker *broker = context;

    metrics_print_one(out, "parley_gateway_channels", "gauge",
                      "Channels that somebody here listens to, or that are kept here",
                      atomic_load_explicit(&broker->channel_count, memory_order_relaxed));
    metrics_print_one(out, "parley_gateway_ring_bytes", "gauge",
                      "Bytes of recent publications kept for recovery",
                      atomic_load_explicit(&broker->ring_bytes, memory_order_relaxed));
    broker->kind->print(broker, out);
}

void broker_tell_all(struct broker *broker, struct notice *(*make)(const void *of), const void *of)
{
    for (unsigned i = 0; i < broker->port_count; i++)
        port_post_notice(broker->ports[i], make(of));
}

void broker_tell_occupied(struct broker *broker, struct text channel, bool occupied)
{
    const enum webhook_kind kind = occupied ? WEBHOOK_OCCUPIED : WEBHOOK_VACATED;

    if (webhooks_want(broker->webhooks, kind))
        webhooks_tell(broker->webhooks, &(struct webhook_event){.kind = kind, .channel = channel});
}

/* ---- closing ---- */

static struct notice *make_bare(const void *of)
{
    const enum notice_kind *kind = of;

    return notice_create(*kind, (struct text){0});
}

void broker_stop(struct broker *broker)
{
    if (!atomic_exchange(&broker->stopping, true))
        broker_tell_all(broker, make_bare, &(enum notice_kind){NOTICE_STOP});
}

static void on_closed(uv_handle_t *handle)
{
}

/* All loops have stopped: no client and no request is left. */
static void close_now(struct broker *broker)
{
    broker_tell_all(broker, make_bare, &(enum notice_kind){NOTICE_CLOSE});
    broker->kind->close(broker);
    uv_close((uv_handle_t *)&broker->before_poll, on_closed);
    uv_close((uv_handle_t *)&broker->after_poll, on_closed);
    mailbox_close(broker->inbox);
}

void broker_close(struct broker *broker)
{
    broker->closing = true;
    if (broker->survey_count == 0)
        close_now(broker);
}

void broker_begin_survey(struct broker *broker)
{
    CHECK(!broker->closing); /* the loops would not bring it back */
    broker->survey_count++;
}

void broker_end_survey(struct broker *broker)
{
    broker->survey_count--;
    if (broker->closing && broker->survey_count == 0)
        close_now(broker);
}

void broker_free(struct broker *broker)
{
    broker->kind->free(broker);
}
