/*
 * questions: what the API answers for a client and the broker only passes on: publish, rpc,
 * history.
 */
#include "gateway/broker/bus/bus_broker.h"

/* ---- publish and rpc ---- */

static void on_data(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer)) {
        if (answer->told_case == BUS__ANSWER__TOLD_DATA)
            request->told = request_keep(request, wire_text(answer->data->data));
        request->outcome = REQUEST_DONE;
    }
    bus_answer(request->broker, request);
}

static void ask_publish(struct bus_broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Publish publish = BUS__PUBLISH__INIT;

    publish.user = wire_bytes(request->user);
    publish.session = wire_bytes(request->session);
    publish.client = wire_bytes(request->client_id);
    publish.channel = wire_bytes(request->channel);
    publish.data = wire_bytes(request->data);
    question.ask_case = BUS__QUESTION__ASK_PUBLISH;
    question.publish = &publish;
    bus_ask(broker, ASKER_ANY, &question, on_data, request);
}

static void ask_rpc(struct bus_broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Rpc rpc = BUS__RPC__INIT;

    rpc.user = wire_bytes(request->user);
    rpc.session = wire_bytes(request->session);
    rpc.method = wire_bytes(request->method);
    rpc.data = wire_bytes(request->data);
    question.ask_case = BUS__QUESTION__ASK_RPC;
    question.rpc = &rpc;
    bus_ask(broker, ASKER_ANY, &question, on_data, request);
}

/* ---- history: the command, for subscribers ---- */

static size_t page_size(const struct request *request)
{
    const size_t max = (size_t)request->broker->base.settings->client.history_max_publications;

    return request->limit < 0 || (size_t)request->limit > max ? max : (size_t)request->limit;
}

/* Of what the question brought, the newest `page` last: reversed pages end before `since`. */
static void give_history(struct request *request, const Bus__Publications *told)
{
    request_begin_publications(request, told->n_items);
    for (size_t i = 0; i < told->n_items; i++) {
        const size_t from = request->reverse ? told->n_items - 1 - i : i;
        const Bus__Publication *item = told->items[from];
        if (request->reverse && request->has_since && item->offset >= request->offset)
            continue;
        struct parcel *parcel = bus_parcel(item);
        request_add_publication(request, parcel);
        parcel_unref(parcel);
    }
    request->position = told->offset;
    request->position_epoch = request_keep(request, wire_text(told->epoch));
    request->outcome = REQUEST_DONE;
}

static void on_history(void *context, enum err err, const Bus__Answer *answer);

/* What fits into the connection's queue, beside what waits there. */
static uint32_t page_bytes(const struct settings *settings)
{
    const int64_t bytes = settings->client.queue_max_bytes / 2;

    return bytes < WIRE_MESSAGE_MAX / 4 ? (uint32_t)bytes : WIRE_MESSAGE_MAX / 4;
}

/* `limit` publications; backwards those that end at `as_of`. */
static void ask_page(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__History history = BUS__HISTORY__INIT;
    const uint64_t limit = (uint64_t)request->limit;

    history.channel = wire_bytes(request->channel);
    if (request->reverse)
        history.after = request->as_of > limit ? request->as_of - limit : 0;
    else if (request->has_since)
        history.after = request->offset;
    history.limit = (uint32_t)limit;
    history.bytes = page_bytes(request->broker->base.settings);
    question.ask_case = BUS__QUESTION__ASK_HISTORY;
    question.history = &history;
    bus_ask(request->broker, ASKER_ANY, &question, on_history, request);
}

/* A page backwards that its bytes cut off before its end: as many as came are asked for again, up
 * to the end. They may be larger, and fewer come; but never none. */
static bool is_cut(const struct request *request, const Bus__Publications *told)
{
    return request->reverse && told->n_items > 0 && told->n_items < (size_t)request->limit &&
           told->items[told->n_items - 1]->offset < request->as_of;
}

static void on_history(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer)) {
        if (answer->told_case == BUS__ANSWER__TOLD_PUBLICATIONS &&
            is_cut(request, answer->publications)) {
            request->limit = (int32_t)answer->publications->n_items;
            ask_page(request);
            return;
        }
        if (answer->told_case == BUS__ANSWER__TOLD_PUBLICATIONS)
            give_history(request, answer->publications);
        else
            request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    }
    bus_answer(request->broker, request);
}

static void ask_history(struct bus_broker *broker, struct request *request)
{
    const struct channel *channel = bus_find(broker, request->channel);
    const size_t page = page_size(request);

    if (channel == NULL ||
        channel->state == CHANNEL_OPENING) { /* the subscription has just ended */
        request_fail(request, PROTOCOL_PERMISSION_DENIED, (struct text){0}, false);
        bus_answer(broker, request);
        return;
    }
    if (request->has_since && !channel_has_epoch(channel, request->epoch)) {
        request_fail(request, PROTOCOL_UNRECOVERABLE, (struct text){0}, false);
        bus_answer(broker, request);
        return;
    }
    if (page == 0) {
        request->position = channel->next - 1;
        request->position_epoch = request_keep(request, text(channel->epoch));
        request->outcome = REQUEST_DONE;
        bus_answer(broker, request);
        return;
    }
    /* A page backwards is a page forwards that ends where it should begin. */
    request->as_of = channel->next - 1;
    if (request->has_since && request->offset <= request->as_of)
        request->as_of = request->offset - 1; /* matters backwards, where it is at least 1 */
    request->limit = (int32_t)page;
    ask_page(request);
}

void questions_start(struct bus_broker *broker, struct request *request)
{
    switch (request->kind) {
    case REQUEST_PUBLISH:
        ask_publish(broker, request);
        break;
    case REQUEST_RPC:
        ask_rpc(broker, request);
        break;
    case REQUEST_PRESENCE:
    case REQUEST_PRESENCE_STATS:
        presence_start(broker, request);
        break;
    case REQUEST_HISTORY:
        ask_history(broker, request);
        break;
    default: /* of channels that are not the product's */
        request_fail(request, PROTOCOL_NOT_AVAILABLE, (struct text){0}, false);
        bus_answer(broker, request);
    }
}
