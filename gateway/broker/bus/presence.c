/*
 * presence: who is in a channel, as the APIs have it from all gateways.
 *
 *   a list: ask -> on_page -> ask … -> the last page -> answer     a count: ask -> on_count -> answer
 *
 * Error 100: nobody answered; 106: there are more than a list may have.
 */
#include <stdlib.h>
#include <uthash.h>

#include "gateway/broker/bus/bus_broker.h"

static void ask(struct bus_broker *broker, struct request *request, uint64_t cursor,
                asker_done_fn done, void *context);

/* ---- a list ---- */

struct seen {
    UT_hash_handle hh;
};

struct listing {
    struct request *request;
    struct seen *map; /* by client: pages may repeat one */
    size_t cap, bytes;
};

static size_t list_max(const struct request *request)
{
    const struct settings *settings = request->broker->base.settings;

    return (size_t)(request->namespace == NULL ? settings->presence.list_max
                                               : settings->presence.channel_list_max);
}

static void end(struct listing *listing)
{
    struct request *request = listing->request;
    struct seen *seen, *next;

    HASH_ITER(hh, listing->map, seen, next)
    {
        HASH_DEL(listing->map, seen);
        free(seen);
    }
    free(listing);
    bus_answer(request->broker, request);
}

/* False: it was there. */
static bool is_new(struct listing *listing, struct text client)
{
    struct seen *seen;

    HASH_FIND(hh, listing->map, client.at, client.len, seen);
    if (seen != NULL)
        return false;
    seen = xcalloc(1, sizeof(*seen));
    HASH_ADD_KEYPTR(hh, listing->map, client.at, client.len, seen);
    return true;
}

static struct client_info *next_entry(struct listing *listing)
{
    struct request *request = listing->request;
    struct client_info *entries;

    if (request->entry_count < listing->cap)
        return &request->entries[request->entry_count++];
    listing->cap = listing->cap == 0 ? 64 : listing->cap * 2;
    entries = arena_alloc(&request->arena, listing->cap * sizeof(*entries));
    if (request->entry_count > 0)
        memcpy(entries, request->entries, request->entry_count * sizeof(*entries));
    request->entries = entries;
    return &request->entries[request->entry_count++];
}

static void add(struct listing *listing, const Bus__Presence *entry)
{
    struct request *request = listing->request;
    const struct text client = request_keep(request, wire_text(entry->client));

    if (!is_new(listing, client))
        return;
    const struct client_info info = {
        .user = request_keep(request, wire_text(entry->user)),
        .client = client,
        .conn_info = request_keep(request, wire_text(entry->info)),
        .chan_info = request_keep(request, wire_text(entry->chan_info)),
    };
    *next_entry(listing) = info;
    listing->bytes += request_entry_bytes(&info);
}

static void on_page(void *context, enum err err, const Bus__Answer *answer)
{
    struct listing *listing = context;
    struct request *request = listing->request;
    const Bus__PresenceEntries *told;

    if (!bus_succeeded(request->broker, request, err, answer)) {
        end(listing);
        return;
    }
    if (answer->told_case != BUS__ANSWER__TOLD_PRESENCE) {
        request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
        end(listing);
        return;
    }
    told = answer->presence;
    for (size_t i = 0; i < told->n_entries; i++)
        add(listing, told->entries[i]);
    if (request->entry_count > list_max(request) || listing->bytes > request->bytes_max) {
        request_fail(request, PROTOCOL_LIMIT_EXCEEDED, (struct text){0}, false);
        end(listing);
    } else if (told->cursor != 0) {
        ask(request->broker, request, told->cursor, on_page, listing);
    } else {
        request->outcome = REQUEST_DONE;
        end(listing);
    }
}

/* ---- a count ---- */

static void on_count(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;

    if (bus_succeeded(request->broker, request, err, answer)) {
        if (answer->told_case == BUS__ANSWER__TOLD_PRESENCE) {
            request->client_count = answer->presence->num_clients;
            request->user_count = answer->presence->num_users;
            request->outcome = REQUEST_DONE;
        } else {
            request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
        }
    }
    bus_answer(request->broker, request);
}

/* ---- the question ---- */

static void ask(struct bus_broker *broker, struct request *request, uint64_t cursor,
                asker_done_fn done, void *context)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__PresenceList list = BUS__PRESENCE_LIST__INIT;

    list.channel = wire_bytes(request->channel);
    list.count = request->kind == REQUEST_PRESENCE_STATS;
    list.cursor = cursor;
    question.ask_case = BUS__QUESTION__ASK_PRESENCE_LIST;
    question.presence_list = &list;
    bus_ask(broker, ASKER_ANY, &question, done, context);
}

void presence_start(struct bus_broker *broker, struct request *request)
{
    struct listing *listing;

    if (request->namespace != NULL && !request->namespace->presence) {
        request_fail(request, PROTOCOL_NOT_AVAILABLE, (struct text){0}, false);
        bus_answer(broker, request);
        return;
    }
    if (request->kind == REQUEST_PRESENCE_STATS) {
        ask(broker, request, 0, on_count, request);
        return;
    }
    listing = xcalloc(1, sizeof(*listing));
    listing->request = request;
    ask(broker, request, 0, on_page, listing);
}
