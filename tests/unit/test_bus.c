/* The two ends of the bus for events, publisher and feed, over real sockets. What is lost between them is in
 * test_bus_losses.c, questions are in test_ask.c. */
#include "tests/unit/hearing.h"

#include <stdio.h>

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
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
