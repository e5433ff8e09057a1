/* What the bus loses, doubles or has no room for: what a feed tells of it. */
#include "tests/unit/hearing.h"

#include <nng/protocol/pubsub0/sub.h>

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
