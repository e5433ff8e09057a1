/*
 * streams: what is asked of the operator's channels: publish, history. An API keeps them; what it
 * does for whom was decided by the loop that asks.
 */
#include <stdlib.h>

#include "base/id.h"
#include "base/json.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channels/patterns.h"

#define VERSION_EPOCH_MAX 255
#define PAGE_PUBLICATIONS 1000
#define PAGE_BYTES        (WIRE_MESSAGE_MAX / 4)
#define HISTORY_BYTES_MAX (64u << 20) /* of one answer to the server API */

static void refuse(struct request *request, int error)
{
    request_fail(request, error, (struct text){0}, false);
    bus_answer(request->broker, request);
}

/* ---- publish ---- */

static void on_published(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer)) {
        if (answer->told_case == BUS__ANSWER__TOLD_POSITION) {
            request->position = answer->position->offset;
            request->position_epoch = request_keep(request, wire_text(answer->position->epoch));
            request->outcome = REQUEST_DONE;
        } else {
            request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
        }
    }
    bus_answer(request->broker, request);
}

static bool is_json(const struct request *request)
{
    return request->is_json || json_is_valid(request->data);
}

static void write_info(Bus__Presence *to, const struct client_info *info)
{
    bus__presence__init(to);
    to->user = wire_bytes(info->user);
    to->client = wire_bytes(info->client);
    to->info = wire_bytes(info->conn_info);
    to->chan_info = wire_bytes(info->chan_info);
}

static void write_options(Bus__StreamPublish *publish, const struct request *request)
{
    const struct namespace *namespace = request->namespace;

    publish->delta =
        (request->delta || namespace->delta_publish) && namespace->allow_fossil_delta;
    if (bus_has_stream(namespace) && !request->skip_history) {
        publish->history_size = namespace->history_size < UINT32_MAX
                                    ? (uint32_t)namespace->history_size
                                    : UINT32_MAX;
        publish->history_ttl_ms = namespace->history_ttl_ms;
        publish->history_meta_ttl_ms = namespace->history_meta_ttl_ms;
    }
    publish->idempotency_key = wire_bytes(request->idempotency_key);
    publish->idempotency_ttl_ms = request->broker->base.settings->memory.idempotency_ttl_ms;
    publish->version = request->version;
    publish->version_epoch = wire_bytes(request->version_epoch);
    publish->id = id_random();
}

void streams_publish(struct request *request, struct text channel, asker_done_fn done,
                     void *context)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamPublish publish = BUS__STREAM_PUBLISH__INIT;
    Bus__Tag *tags = xcalloc(request->tag_count + 1, sizeof(*tags));
    Bus__Tag **list = xcalloc(request->tag_count + 1, sizeof(*list));
    Bus__Presence info;

    publish.channel = wire_bytes(channel);
    publish.data = wire_bytes(request->data);
    publish.binary = !is_json(request);
    if (request->has_info) {
        write_info(&info, &request->info);
        publish.info = &info;
    }
    for (size_t i = 0; i < request->tag_count; i++) {
        bus__tag__init(&tags[i]);
        tags[i].key = wire_bytes(request->tags[i].key);
        tags[i].value = wire_bytes(request->tags[i].value);
        list[i] = &tags[i];
    }
    publish.tags = list;
    publish.n_tags = request->tag_count;
    write_options(&publish, request);
    question.ask_case = BUS__QUESTION__ASK_STREAM_PUBLISH;
    question.stream_publish = &publish;
    bus_ask(request->broker, ASKER_ANY, &question, done, context);
    free(list);
    free(tags);
}

static void start_publish(struct request *request)
{
    if (request->version_epoch.len > VERSION_EPOCH_MAX)
        refuse(request, PROTOCOL_BAD_REQUEST);
    else if (pattern_is(request->channel, request->namespace))
        fan_publish(request);
    else
        streams_publish(request, request->channel, on_published, request);
}

/* ---- history ---- */

static void ask_page(struct request *request);

/* How many are still wanted; `limit` below 0: all. */
static size_t left(const struct request *request)
{
    return request->limit < 0 ? SIZE_MAX : (size_t)request->limit - request->publication_count;
}

static void add_page(struct request *request, const Bus__Publications *told)
{
    const size_t count = request->publication_count + told->n_items;

    request->publications =
        xrealloc(request->publications, (count + 1) * sizeof(*request->publications));
    for (size_t i = 0; i < told->n_items && left(request) > 0; i++) {
        struct parcel *parcel = bus_parcel(told->items[i]);
        request_add_publication(request, parcel);
        parcel_unref(parcel);
    }
}

static size_t bytes_of(const struct request *request)
{
    size_t bytes = 0;

    for (size_t i = 0; i < request->publication_count; i++)
        bytes += request->publications[i]->data.len;
    return bytes;
}

/* Pages for the server API, which wants all; a client gets one, of what fits into its queue. */
static bool is_complete(const struct request *request, const Bus__Publications *told)
{
    return request->client != NULL || told->n_items == 0 || left(request) == 0 ||
           bytes_of(request) >= HISTORY_BYTES_MAX;
}

static bool is_of_epoch(const struct request *request, struct text epoch)
{
    return !request->has_since || request->epoch.len == 0 || text_equal(request->epoch, epoch);
}

static void take_page(struct request *request, const Bus__Publications *told)
{
    if (!is_of_epoch(request, wire_text(told->epoch))) {
        request_drop_publications(request);
        refuse(request, PROTOCOL_UNRECOVERABLE);
        return;
    }
    add_page(request, told);
    if (!is_complete(request, told)) {
        request->epoch = request_keep(request, wire_text(told->epoch));
        request->has_since = true;
        request->offset = told->items[told->n_items - 1]->offset;
        ask_page(request);
        return;
    }
    request->position = told->offset;
    request->position_epoch = request_keep(request, wire_text(told->epoch));
    request->outcome = REQUEST_DONE;
    bus_answer(request->broker, request);
}

static void on_page(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (!bus_succeeded(request->broker, request, err, answer))
        bus_answer(request->broker, request);
    else if (answer->told_case != BUS__ANSWER__TOLD_PUBLICATIONS)
        bus_fail(request->broker, request);
    else
        take_page(request, answer->publications);
}

static uint32_t page_bytes(const struct request *request)
{
    const int64_t bytes = request->broker->base.settings->client.queue_max_bytes / 2;

    return request->client != NULL && bytes < PAGE_BYTES ? (uint32_t)bytes : PAGE_BYTES;
}

static void ask_page(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamHistory history = BUS__STREAM_HISTORY__INIT;

    history.channel = wire_bytes(request->channel);
    history.offset = request->offset;
    history.has_offset = request->has_since;
    history.reverse = request->reverse;
    history.limit = left(request) < PAGE_PUBLICATIONS ? (uint32_t)left(request) : PAGE_PUBLICATIONS;
    history.bytes = page_bytes(request);
    history.history_meta_ttl_ms = request->namespace->history_meta_ttl_ms;
    question.ask_case = BUS__QUESTION__ASK_STREAM_HISTORY;
    question.stream_history = &history;
    bus_ask(request->broker, ASKER_ANY, &question, on_page, request);
}

static void start_history(struct request *request)
{
    const int64_t max = request->broker->base.settings->client.history_max_publications;

    if (!bus_has_stream(request->namespace) ||
        pattern_is(request->channel, request->namespace)) {
        refuse(request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    if (request->reverse && request->has_since && request->offset == 0) {
        refuse(request, PROTOCOL_BAD_REQUEST);
        return;
    }
    if (request->client != NULL && (request->limit < 0 || request->limit > max))
        request->limit = (int32_t)max;
    ask_page(request);
}

/* ---- the end of a history ---- */

static void on_removed(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer))
        request->outcome = REQUEST_DONE;
    bus_answer(request->broker, request);
}

static void start_remove(struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamRemove remove = BUS__STREAM_REMOVE__INIT;

    if (!bus_has_stream(request->namespace)) {
        refuse(request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    remove.channel = wire_bytes(request->channel);
    question.ask_case = BUS__QUESTION__ASK_STREAM_REMOVE;
    question.stream_remove = &remove;
    bus_ask(request->broker, ASKER_ANY, &question, on_removed, request);
}

void streams_start(struct bus_broker *broker, struct request *request)
{
    switch (request->kind) {
    case REQUEST_PUBLISH:
        start_publish(request);
        break;
    case REQUEST_HISTORY:
        start_history(request);
        break;
    case REQUEST_HISTORY_REMOVE:
        start_remove(request);
        break;
    default:
        refuse(request, PROTOCOL_NOT_AVAILABLE);
    }
}
