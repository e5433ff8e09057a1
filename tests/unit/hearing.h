/*
 * hearing: a publisher, a feed that hears it, and what that told; and somebody who sends what a publisher
 * would.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "bus/feed.h"
#include "bus/link.h"
#include "bus/publisher.h"
#include "tests/unit/bus_place.h"

#define HEARTBEAT_MS 20
#define SILENCE_MS   400

/* What a feed told, in the order it told it. */
struct ear {
    struct place *place;
    struct feed *feed;
    uint64_t publisher;
    size_t publishers, losses, batches, items, holes;
    uint64_t last_number, hole_from, hole_to;
    uint64_t last_offset; /* of the publications; they must come in order */
    bool out_of_order;
};

static inline void on_batch(void *context, size_t api, const Bus__Batch *batch)
{
    struct ear *ear = context;

    ear->batches++;
    ear->last_number = batch->number;
    for (size_t i = 0; i < batch->n_items; i++) {
        const uint64_t offset = batch->items[i]->publication->offset;
        ear->out_of_order = ear->out_of_order || offset <= ear->last_offset;
        ear->last_offset = offset;
        ear->items++;
    }
}

static inline void on_hole(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct ear *ear = context;

    ear->holes++;
    ear->hole_from = from;
    ear->hole_to = to;
}

static inline void on_publisher(void *context, size_t api, uint64_t publisher)
{
    struct ear *ear = context;

    ear->publishers++;
    ear->publisher = publisher;
}

static inline void on_lost(void *context, size_t api, uint64_t publisher)
{
    ((struct ear *)context)->losses++;
}

static size_t inbox_limit = 8192, inbox_bytes = 64 << 20; /* of the next ear */

/* `believes`: batches of everybody who has the key, since nobody tells it which publisher to trust. */
static inline void ear_open_with(struct ear *ear, struct place *place, const char *url, const char *secret,
                          const char *other_secret, bool believes)
{
    static const struct feed_events events = {on_batch, on_hole, on_publisher, on_lost};
    const struct feed_config config = {.urls = &url,
                                       .url_count = 1,
                                       .secret = text(secret),
                                       .other_secret = text(other_secret),
                                       .trusts_all = believes,
                                       .inbox_limit = inbox_limit,
                                       .inbox_bytes = inbox_bytes,
                                       .silence_ms = SILENCE_MS};

    *ear = (struct ear){.place = place};
    assert_int_equal(feed_open(&ear->feed, &place->loop, &config, &events, ear), ERR_OK);
}

static inline void ear_open(struct ear *ear, struct place *place, const char *url, const char *secret)
{
    ear_open_with(ear, place, url, secret, NULL, true);
}

static inline struct publisher *speak(const char *url, const char *secret)
{
    const struct publisher_config config = {.url = url,
                                            .secret = text(secret),
                                            .heartbeat_ms = HEARTBEAT_MS,
                                            .queue_limit = 1024,
                                            .keep_ms = 30000,
                                            .keep_bytes = 64 << 20};
    struct publisher *publisher;

    assert_int_equal(publisher_open(&publisher, &config), ERR_OK);
    return publisher;
}

/* Publications first .. first + count - 1 in one call; returns how many were sent. */
static inline size_t say(struct publisher *publisher, uint64_t first, size_t count, size_t bytes)
{
    Bus__Publication *publications = xcalloc(count, sizeof(*publications));
    Bus__Item *items = xcalloc(count, sizeof(*items)), **list = xcalloc(count, sizeof(*list));
    char *data = xcalloc(1, bytes + 1);

    for (size_t i = 0; i < count; i++) {
        bus__publication__init(&publications[i]);
        publications[i].offset = first + i;
        publications[i].data = wire_bytes(text_of(data, bytes));
        bus__item__init(&items[i]);
        items[i].what_case = BUS__ITEM__WHAT_PUBLICATION;
        items[i].publication = &publications[i];
        list[i] = &items[i];
    }
    const size_t sent = publisher_send(publisher, list, count);
    free(publications);
    free(items);
    free(list);
    free(data);
    return sent;
}

static uint64_t said; /* of the last message */

/* A batch as another publisher would send it, its `said`-th. */
static inline void send_as(nng_socket socket, uint64_t publisher, uint64_t number, bool with_item)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    Bus__Item item = BUS__ITEM__INIT, *items[] = {&item};
    Bus__Batch batch = BUS__BATCH__INIT;
    struct seal_keys keys;

    publication.offset = number;
    item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    item.publication = &publication;
    batch.publisher = publisher;
    batch.number = number;
    batch.said = ++said;
    batch.items = items;
    batch.n_items = with_item ? 1 : 0;
    seal_keys_init(&keys, TEXT("key"), TEXT(""));
    assert_int_equal(nng_sendmsg(socket, link_seal(&keys, SEAL_EVENT, &batch.base), 0), 0);
}

static inline void send_crafted(nng_socket socket, uint64_t number, bool with_item)
{
    send_as(socket, 77, number, with_item);
}
