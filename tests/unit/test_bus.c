/* The four ends of the bus over real sockets: publisher and feed. Questions are in test_ask.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
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

static void on_batch(void *context, size_t api, const Bus__Batch *batch)
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

static void on_hole(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct ear *ear = context;

    ear->holes++;
    ear->hole_from = from;
    ear->hole_to = to;
}

static void on_publisher(void *context, size_t api, uint64_t publisher)
{
    struct ear *ear = context;

    ear->publishers++;
    ear->publisher = publisher;
}

static void on_lost(void *context, size_t api, uint64_t publisher)
{
    ((struct ear *)context)->losses++;
}

static size_t inbox_limit = 8192, inbox_bytes = 64 << 20; /* of the next ear */

/* `believes`: batches of everybody who has the key, since nobody tells it which publisher to trust. */
static void ear_open_with(struct ear *ear, struct place *place, const char *url, const char *secret,
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

static void ear_open(struct ear *ear, struct place *place, const char *url, const char *secret)
{
    ear_open_with(ear, place, url, secret, NULL, true);
}

static struct publisher *speak(const char *url, const char *secret)
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
static size_t say(struct publisher *publisher, uint64_t first, size_t count, size_t bytes)
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
static void send_as(nng_socket socket, uint64_t publisher, uint64_t number, bool with_item)
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

static void send_crafted(nng_socket socket, uint64_t number, bool with_item)
{
    send_as(socket, 77, number, with_item);
}

static void events_arrive_in_order_and_once(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 1);
    assert_int_equal(ear.publisher, publisher_id(publisher));
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(say(publisher, 1 + i * 50, 50, 200), 50);
    TURN_UNTIL(place, ear.items == 5000);
    place_rest(place, 2 * HEARTBEAT_MS);
    assert_int_equal(ear.items, 5000);
    assert_int_equal(ear.last_number, 100);
    assert_false(ear.out_of_order);
    assert_int_equal(ear.holes, 0);
    assert_int_equal(ear.losses, 0);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static void a_call_of_many_bytes_becomes_several_batches(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 1);
    assert_int_equal(say(publisher, 1, 10, 20000), 10);  /* three to a batch */
    assert_int_equal(say(publisher, 11, 1, 3 << 20), 1); /* alone */
    assert_int_equal(say(publisher, 12, 2, 5 << 20), 0); /* over what the bus takes */
    assert_int_equal(say(publisher, 14, 1, 10), 1);
    TURN_UNTIL(place, ear.items == 12);
    assert_int_equal(ear.batches, 4 + 1 + 1);
    assert_int_equal(ear.holes, 0);
    assert_false(ear.out_of_order);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static void the_bus_also_runs_inside_one_process_or_machine(void **state)
{
    struct place *place = *state;
    char ipc[64];

    snprintf(ipc, sizeof(ipc), "ipc:///tmp/parley-test-%d.sock", getpid());
    const char *const urls[] = {"inproc://parley-test", ipc};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct ear ear;
        struct publisher *publisher = speak(urls[i], "");
        ear_open(&ear, place, urls[i], "");
        TURN_UNTIL(place, ear.publishers == 1);
        assert_int_equal(say(publisher, 1, 100, 2000), 100);
        TURN_UNTIL(place, ear.items == 100);
        assert_int_equal(ear.holes, 0);
        feed_close(ear.feed);
        publisher_close(publisher);
    }
}

static void a_message_that_is_too_large_breaks_only_its_connection(void **state)
{
    struct place *place = *state;
    struct feed_counters counters;
    struct ear ear;
    nng_socket socket;
    nng_msg *message;

    assert_int_equal(nng_pub0_open(&socket), 0);
    assert_int_equal(nng_listen(socket, place->url[0], NULL, 0), 0);
    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, (send_crafted(socket, 1, false), ear.publishers == 1));
    assert_int_equal(nng_msg_alloc(&message, WIRE_MESSAGE_MAX + 1), 0);
    assert_int_equal(nng_sendmsg(socket, message, 0), 0);
    TURN_UNTIL(place, ear.losses == 1);
    TURN_UNTIL(place, (send_crafted(socket, 1, false), ear.publishers == 2));
    feed_count(ear.feed, &counters);
    assert_int_equal(counters.ended, 1);
    feed_close(ear.feed);
    link_close(socket);
}

static void a_wrong_key_is_dropped_and_counted(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct feed_counters counters = {0};
    struct publisher *publisher = speak(place->url[0], "another key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, (feed_count(ear.feed, &counters), counters.foreign > 2));
    assert_int_equal(ear.publishers, 0);
    assert_int_equal(counters.messages, 0);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static void with_the_other_key_a_publisher_is_heard_while_keys_change(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "old key");

    ear_open_with(&ear, place, place->url[0], "new key", "old key", true);
    TURN_UNTIL(place, ear.publishers == 1);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static nng_socket listen_as_api(const char *url)
{
    nng_socket socket;

    assert_int_equal(nng_pub0_open(&socket), 0);
    assert_int_equal(nng_socket_set_int(socket, NNG_OPT_SENDBUF, 64), 0);
    assert_int_equal(nng_listen(socket, url, NULL, 0), 0);
    return socket;
}

/* As the API would tell now. */
static void trust(struct ear *ear, uint64_t publisher, uint64_t number)
{
    feed_trust(ear->feed, 0, &(struct publisher_place){publisher, number, said});
}

/* A recording is genuine: its seal is right. */
static void recorded_batches_are_not_taken(void **state)
{
    struct place *place = *state;
    struct feed_counters counters = {0};
    struct ear ear;
    nng_socket socket = listen_as_api(place->url[0]);

    ear_open_with(&ear, place, place->url[0], "key", NULL, false);
    TURN_UNTIL(place, (send_as(socket, 76, 3, true), feed_count(ear.feed, &counters),
                       counters.untrusted > 0)); /* of nobody yet */
    trust(&ear, 77, 10);
    send_as(socket, 76, 4, true);  /* of an API that was here before */
    send_as(socket, 77, 9, true);  /* from before this gateway asked */
    send_as(socket, 77, 11, true);
    send_as(socket, 77, 11, true); /* from after that */
    send_as(socket, 77, 12, true);
    TURN_UNTIL(place, ear.last_number == 12);
    feed_count(ear.feed, &counters);
    assert_int_equal(ear.batches, 2);
    assert_int_equal(ear.holes, 0);
    assert_int_equal(ear.publishers, 1);
    assert_int_equal(counters.repeats, 2);
    feed_close(ear.feed);
    assert_true(link_close(socket));
}

/* It goes on being sent; what it says is new no more. */
static void a_recording_is_no_sign_of_life_of_its_publisher(void **state)
{
    struct place *place = *state;
    struct feed_counters counters = {0};
    struct ear ear;
    nng_socket socket = listen_as_api(place->url[0]);

    ear_open_with(&ear, place, place->url[0], "key", NULL, false);
    said = 100;
    trust(&ear, 77, 10);
    said = 50; /* recorded before this gateway asked */
    TURN_UNTIL(place, (send_as(socket, 77, 9, false), feed_count(ear.feed, &counters),
                       counters.repeats > 0));
    assert_int_equal(ear.publishers, 0);
    said = 100;
    TURN_UNTIL(place, (send_as(socket, 77, 10, false), ear.publishers == 1));
    send_as(socket, 77, 11, true);
    TURN_UNTIL(place, ear.batches == 1);
    const uint64_t heard = said;
    TURN_UNTIL(place, (said = heard - 2, send_as(socket, 77, 10, false), send_as(socket, 77, 11, true),
                       ear.losses == 1));
    place_rest(place, 2 * HEARTBEAT_MS);
    assert_int_equal(ear.publishers, 1);
    assert_int_equal(ear.batches, 1);
    TURN_UNTIL(place, (send_as(socket, 77, 11, false), ear.publishers == 2));
    feed_close(ear.feed);
    link_close(socket);
}

static void what_an_api_said_since_it_was_started_again_is_a_hole(void **state)
{
    struct place *place = *state;
    struct ear ear;
    nng_socket socket = listen_as_api(place->url[0]);

    ear_open_with(&ear, place, place->url[0], "key", NULL, false);
    trust(&ear, 77, 10);
    TURN_UNTIL(place, (send_as(socket, 77, 10, false), ear.publishers == 1));
    trust(&ear, 78, 3);
    send_as(socket, 78, 4, true);
    TURN_UNTIL(place, ear.batches == 1);
    assert_int_equal(ear.publisher, 78);
    assert_int_equal(ear.losses, 1);
    assert_int_equal(ear.hole_from, 1);
    assert_int_equal(ear.hole_to, 3);
    feed_close(ear.feed);
    assert_true(link_close(socket));
}

static void a_publisher_that_was_started_again_is_a_new_one(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 1);
    assert_int_equal(say(publisher, 1, 1, 10), 1);
    TURN_UNTIL(place, ear.items == 1);
    publisher_close(publisher);
    TURN_UNTIL(place, ear.losses == 1); /* by the connection, long before the silence */

    publisher = speak(place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 2);
    assert_int_equal(ear.publisher, publisher_id(publisher));
    assert_int_equal(say(publisher, 2, 1, 10), 1);
    TURN_UNTIL(place, ear.items == 2);
    assert_int_equal(ear.last_number, 1);
    assert_int_equal(ear.holes, 0);
    assert_int_equal(ear.losses, 1);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static void without_a_key_only_loopback_is_spoken_on(void **state)
{
    static const char *const open_to_all[] = {"tcp://0.0.0.0:0", "tcp://127.example.org:1",
                                              "tcp://:0", "tcp://[::]:0",
                                              "tcp://localhost.example.org:1"};
    static const char *const local[] = {"tcp://127.0.0.1:1", "tcp://127.9.9.9:1", "tcp://[::1]:1",
                                        "tcp://localhost:1", "ipc:///tmp/x",      "inproc://x"};

    for (size_t i = 0; i < ARRAY_COUNT(local); i++)
        assert_true(link_is_local(local[i]));
    for (size_t i = 0; i < ARRAY_COUNT(open_to_all); i++) {
        const struct publisher_config config = {
            .url = open_to_all[i], .heartbeat_ms = 100, .queue_limit = 1024};
        struct publisher *publisher;
        assert_false(link_is_local(open_to_all[i]));
        assert_int_equal(publisher_open(&publisher, &config), ERR_INVALID);
    }
}

static void an_address_that_is_taken_is_an_error(void **state)
{
    struct place *place = *state;
    struct publisher *publisher = speak(place->url[0], "key"), *second;
    const struct publisher_config config = {
        .url = place->url[0], .secret = text("key"), .heartbeat_ms = 100, .queue_limit = 1024};

    assert_int_equal(publisher_open(&second, &config), ERR_UNAVAILABLE);
    publisher_close(publisher);
    publisher_close(NULL);
}

/* ---- a relay between publisher and feed that loses what it is told to ---- */

struct relay {
    nng_socket in, out;
    uint64_t lose_from, lose_to; /* messages with these numbers; heartbeats pass */
    bool deaf;                   /* loses all */
};

static void relay_open(struct relay *relay, const char *in, const char *out)
{
    *relay = (struct relay){0};
    assert_int_equal(nng_sub0_open(&relay->in), 0);
    assert_int_equal(nng_socket_set(relay->in, NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
    assert_int_equal(nng_pub0_open(&relay->out), 0);
    assert_int_equal(nng_listen(relay->out, out, NULL, 0), 0);
    assert_int_equal(nng_dial(relay->in, in, NULL, 0), 0);
}

static void relay_close(struct relay *relay)
{
    link_close(relay->in);
    link_close(relay->out);
}

static bool is_lost(const struct relay *relay, nng_msg *message)
{
    struct seal_keys keys;
    struct buf opened = {0};

    seal_keys_init(&keys, TEXT("key"), TEXT(""));
    assert_true(seal_open(&keys, SEAL_EVENT, link_bytes(message), &opened));
    Bus__Batch *batch = wire_read_batch(buf_text(&opened));
    const bool lost = relay->deaf || (batch->n_items > 0 && batch->number >= relay->lose_from &&
                                      batch->number <= relay->lose_to);

    wire_free_batch(batch);
    buf_fini(&opened);
    return lost;
}

static void relay_turn(void *context)
{
    struct relay *relay = context;
    nng_msg *message;

    while (nng_recvmsg(relay->in, &message, NNG_FLAG_NONBLOCK) == 0)
        if (is_lost(relay, message) || nng_sendmsg(relay->out, message, 0) != 0)
            nng_msg_free(message);
}

struct lossy {
    struct relay relay;
    struct publisher *publisher;
    struct ear ear;
};

static void lossy_open(struct lossy *lossy, struct place *place)
{
    lossy->publisher = speak(place->url[0], "key");
    relay_open(&lossy->relay, place->url[0], place->url[1]);
    place->each_turn = relay_turn;
    place->each_turn_context = &lossy->relay;
    ear_open(&lossy->ear, place, place->url[1], "key");
    TURN_UNTIL(place, lossy->ear.publishers == 1);
}

static void lossy_close(struct lossy *lossy, struct place *place)
{
    place->each_turn = NULL;
    feed_close(lossy->ear.feed);
    relay_close(&lossy->relay);
    publisher_close(lossy->publisher);
}

struct replayed {
    size_t count;
    uint64_t numbers[16];
};

static void on_replay(void *context, struct text bytes)
{
    struct replayed *replayed = context;
    Bus__Batch *batch = wire_read_batch(bytes);

    assert_non_null(batch);
    assert_true(replayed->count < ARRAY_COUNT(replayed->numbers));
    replayed->numbers[replayed->count++] = batch->number;
    wire_free_batch(batch);
}

static void a_hole_is_reported_and_replay_brings_the_batches(void **state)
{
    struct place *place = *state;
    struct lossy lossy;
    struct replayed replayed = {0};

    lossy_open(&lossy, place);
    lossy.relay.lose_from = 3;
    lossy.relay.lose_to = 5;
    for (uint64_t i = 1; i <= 7; i++)
        assert_int_equal(say(lossy.publisher, i, 1, 100), 1);
    TURN_UNTIL(place, lossy.ear.batches == 4);
    assert_int_equal(lossy.ear.holes, 1);
    assert_int_equal(lossy.ear.hole_from, 3);
    assert_int_equal(lossy.ear.hole_to, 5);

    publisher_replay(lossy.publisher, 3, 5, 1 << 20, on_replay, &replayed);
    assert_int_equal(replayed.count, 3);
    assert_int_equal(replayed.numbers[0], 3);
    assert_int_equal(replayed.numbers[2], 5);
    lossy_close(&lossy, place);
}

static void a_heartbeat_reveals_that_the_last_batches_were_lost(void **state)
{
    struct place *place = *state;
    struct lossy lossy;

    lossy_open(&lossy, place);
    assert_int_equal(say(lossy.publisher, 1, 1, 100), 1);
    TURN_UNTIL(place, lossy.ear.batches == 1);
    lossy.relay.lose_from = 2;
    lossy.relay.lose_to = 9;
    assert_int_equal(say(lossy.publisher, 2, 1, 100), 1);
    assert_int_equal(say(lossy.publisher, 3, 1, 100), 1);
    TURN_UNTIL(place, lossy.ear.holes >= 1);
    TURN_UNTIL(place, lossy.ear.hole_to == 3);
    place_rest(place, 3 * HEARTBEAT_MS);
    assert_int_equal(lossy.ear.batches, 1);
    lossy_close(&lossy, place);
}

static void a_silent_publisher_is_lost_and_found_again_with_its_hole(void **state)
{
    struct place *place = *state;
    struct lossy lossy;

    lossy_open(&lossy, place);
    lossy.relay.deaf = true;
    assert_int_equal(say(lossy.publisher, 1, 1, 100), 1);
    TURN_UNTIL(place, lossy.ear.losses == 1);
    lossy.relay.deaf = false;
    TURN_UNTIL(place, lossy.ear.publishers == 2);
    TURN_UNTIL(place, lossy.ear.holes == 1);
    assert_int_equal(lossy.ear.hole_from, 1);
    assert_int_equal(lossy.ear.hole_to, 1);
    lossy_close(&lossy, place);
}

static void repeats_are_dropped_and_latecomers_delivered(void **state)
{
    struct place *place = *state;
    struct ear ear;
    nng_socket socket;

    assert_int_equal(nng_pub0_open(&socket), 0);
    assert_int_equal(nng_socket_set_int(socket, NNG_OPT_SENDBUF, 64), 0);
    assert_int_equal(nng_listen(socket, place->url[0], NULL, 0), 0);
    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, (send_crafted(socket, 10, false), ear.publishers == 1));

    static const uint64_t numbers[] = {11, 11, 10, 14, 12, 12, 14, 0, 13, 15};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        send_crafted(socket, numbers[i], true);
    TURN_UNTIL(place, ear.last_number == 15);
    assert_int_equal(ear.batches, 5); /* 11 14 12 13 15 */
    assert_int_equal(ear.holes, 1);
    assert_int_equal(ear.hole_from, 12);
    assert_int_equal(ear.hole_to, 13);
    feed_close(ear.feed);
    link_close(socket);
}

/* What is there while the loop does not run: more than the inbox has room for. */
static void overfill(struct place *place, size_t count, size_t bytes)
{
    struct feed_counters counters = {0};
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 1);
    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(say(publisher, i, 1, bytes), 1);
    for (const int64_t until_ms = clock_mono_ms() + PLACE_WAIT_MS;
         counters.dropped == 0 && clock_mono_ms() < until_ms;)
        feed_count(ear.feed, &counters);
    assert_true(counters.dropped > 0);
    TURN_UNTIL(place, ear.holes > 0); /* the next number, or a heartbeat, tells */
    assert_true(ear.batches < count);
    feed_close(ear.feed);
    publisher_close(publisher);
}

static void messages_beyond_the_inbox_are_dropped_counted_and_a_hole(void **state)
{
    inbox_limit = 8;
    overfill(*state, 20, 10);
    inbox_limit = 8192;
}

static void bytes_beyond_the_inbox_are_dropped_counted_and_a_hole(void **state)
{
    inbox_bytes = 4 << 10;
    overfill(*state, 20, 1000);
    inbox_bytes = 64 << 20;
}

static void a_feed_closes_with_messages_waiting(void **state)
{
    struct place *place = *state;
    struct ear ear;
    struct publisher *publisher = speak(place->url[0], "key");

    ear_open(&ear, place, place->url[0], "key");
    TURN_UNTIL(place, ear.publishers == 1);
    assert_int_equal(say(publisher, 1, 2000, 1000), 2000);
    publisher_close(publisher);
    feed_close(ear.feed);
    feed_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(events_arrive_in_order_and_once),
        PLACE_TEST(a_call_of_many_bytes_becomes_several_batches),
        PLACE_TEST(the_bus_also_runs_inside_one_process_or_machine),
        PLACE_TEST(a_message_that_is_too_large_breaks_only_its_connection),
        PLACE_TEST(a_wrong_key_is_dropped_and_counted),
        PLACE_TEST(with_the_other_key_a_publisher_is_heard_while_keys_change),
        PLACE_TEST(recorded_batches_are_not_taken),
        PLACE_TEST(a_recording_is_no_sign_of_life_of_its_publisher),
        PLACE_TEST(what_an_api_said_since_it_was_started_again_is_a_hole),
        PLACE_TEST(a_publisher_that_was_started_again_is_a_new_one),
        PLACE_TEST(without_a_key_only_loopback_is_spoken_on),
        PLACE_TEST(an_address_that_is_taken_is_an_error),
        PLACE_TEST(a_hole_is_reported_and_replay_brings_the_batches),
        PLACE_TEST(a_heartbeat_reveals_that_the_last_batches_were_lost),
        PLACE_TEST(a_silent_publisher_is_lost_and_found_again_with_its_hole),
        PLACE_TEST(messages_beyond_the_inbox_are_dropped_counted_and_a_hole),
        PLACE_TEST(bytes_beyond_the_inbox_are_dropped_counted_and_a_hole),
        PLACE_TEST(repeats_are_dropped_and_latecomers_delivered),
        PLACE_TEST(a_feed_closes_with_messages_waiting),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
