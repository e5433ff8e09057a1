/* A whole gateway: connecting, subscribing, and how connections end. */
#include "tests/unit/gateway_world.h"

/* ---- connect and subscribe ---- */

static void connect_and_subscriptions_in_one_frame_are_answered_in_order(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->bob, BOB, "1",
                 "\n{\"subscribe\":{\"channel\":\"room:7\"},\"id\":2}"
                 "\n{\"subscribe\":{\"channel\":\"live:7\"},\"id\":3}"
                 "\n{\"subscribe\":{\"channel\":\"nothing:9\"},\"id\":4}");
    UNTIL(world, raw_has(&world->bob, "\"id\":4,"));
    assert_non_null(raw_find(&world->bob, "{\"id\":1,\"connect\":{\"client\":"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":5}}");
    assert_string_equal(raw_find(&world->bob, "\"id\":3"), "{\"id\":3,\"subscribe\":{}}");
    assert_non_null(raw_find(&world->bob, "\"code\":102"));
}

static void a_session_that_is_not_alive_is_closed_with_3500(void **state)
{
    struct world *world = *state;

    world->api.alive = false;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->bob.close_code != 0);
    assert_int_equal(world->bob.close_code, 3500);
    assert_string_equal(world->bob.close_reason, "session ended");
}

static void without_an_answer_a_connect_fails_for_now(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    expect(world, &world->bob,
           "{\"id\":1,\"error\":{\"code\":100,\"message\":\"internal "
           "server error\",\"temporary\":true}}");
}

static void who_comes_when_too_many_wait_is_told_to_come_back(void **state)
{
    struct world *world = *state;

    settings.bus.connect_open_max = 1;
    settings.bus.connect_max = 1;
    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->ada, ADA, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    send_connect(world, &world->bob, BOB, "2", NULL);
    UNTIL(world, bus_of_world(world)->connects.count == 1);
    send_connect(world, &world->cy, CY, "3", NULL);
    expect(world, &world->cy,
           "{\"id\":1,\"error\":{\"code\":111,\"message\":\"too many requests\",\"temporary\":true}}");
    assert_int_equal(counted(world, METRIC_CONNECTS_BUSY), 1);
    fake_answer_kept(&world->api);
    expect(world, &world->ada, "\"id\":1,\"connect\"");
    expect(world, &world->bob, "\"id\":1,\"connect\"");
    settings.bus.connect_open_max = defaults.bus.connect_open_max;
    settings.bus.connect_max = defaults.bus.connect_max;
}

/* The sanitizer sees whether what was held back for it is given back. */
static void a_client_that_leaves_while_it_connects_leaves_nothing_behind(void **state)
{
    static const char ping[] = "\x89\x80\0\0\0"; /* with the NUL that ends it: masked, empty */
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    raw_write(&world->bob, ping, sizeof(ping));
    UNTIL(world, world->loop.clients->connection.held != NULL);
    raw_close(&world->bob);
    UNTIL(world, world->loop.client_count == 0);
    fake_answer_kept(&world->api);
    UNTIL(world, world->loop.unfree_count == 0);
}

static void without_an_answer_a_subscribe_fails_for_now_and_the_next_command_is_served(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    raw_send(&world->bob,
             "{\"publish\":{\"channel\":\"room:7\",\"data\":{\"text\":\"tea\"}},\"id\":3}");
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":100");
    expect(world, &world->bob, "{\"id\":3,\"publish\":{}}");
    assert_string_equal(world->api.published, "{\"text\":\"tea\"}");
}

static void what_happens_between_question_and_answer_is_neither_lost_nor_told_twice(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    publish(world, 6); /* the API reads the log after this one … */
    publish(world, 7); /* … and before this one */
    settle(world);
    world->api.head = 6;
    fake_answer_kept(&world->api);
    const char *reply = expect(world, &world->bob, "\"id\":2");
    assert_non_null(strstr(reply, "\"offset\":5,\"was_recovering\":true,\"recovered\":true"));
    assert_non_null(strstr(reply, "{\"data\":{\"seq\":7},\"offset\":7}]}}"));
    publish(world, 8);
    expect(world, &world->bob, "\"offset\":8");
    assert_string_equal(offsets_of(&world->bob), "8");
}

/* A stream of the operator's that nobody here knows the place of. */
static void who_wants_no_position_loses_nothing_to_one_who_asks_for_it(void **state)
{
    struct world *world = *state;
    struct namespace *namespace = &settings.channel.without_namespace;
    const struct namespace before = *namespace;

    namespace->allow_subscribe_for_client = namespace->allow_positioning = true;
    namespace->history_size = 10;
    namespace->history_ttl_ms = namespace->history_meta_ttl_ms = 300000;
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "tea");
    world->api.keeps = BUS__QUESTION__ASK_STREAM_HEADS;
    send_subscribe(&world->bob, 2, "tea", ",\"positioned\":true");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "tea", .offset = 6});
    settle(world);
    world->api.head = 6;
    fake_answer_kept(&world->api);
    assert_non_null(strstr(expect(world, &world->bob, "\"id\":2"), "\"offset\":6"));
    expect(world, &world->ada, "{\"push\":{\"channel\":\"tea\",\"pub\"");
    *namespace = before;
}

static void a_subscription_waits_for_what_the_answer_knows_of(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    world->api.head = 9; /* 6 to 9 were lost on the bus */
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":9"));
    assert_string_equal(offsets_of(&world->ada), "6 7 8 9");
    assert_string_equal(offsets_of(&world->bob), "");
}

/* ---- ends ---- */

static void an_ended_session_is_closed_and_no_other(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->ada, BOB, "100", NULL);
    send_connect(world, &world->bob, BOB, "200", NULL);
    expect(world, &world->ada, "connect");
    expect(world, &world->bob, "connect");
    fake_disconnect(&world->api, BOB, "200");
    UNTIL(world, world->bob.close_code == 3500);
    settle(world);
    assert_int_equal(world->ada.close_code, 0);
}

static void an_end_that_overtook_the_answer_of_a_connect_grants_nothing(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "200", NULL);
    UNTIL(world, world->api.kept_count == 1);
    fake_disconnect(&world->api, BOB, "200");
    settle(world);
    fake_answer_kept(&world->api);
    UNTIL(world, world->bob.close_code == 3500);
    assert_string_equal(world->bob.close_reason, "session ended");
}

static void a_client_that_does_not_read_is_closed_as_slow_and_hurts_nobody(void **state)
{
    struct world *world = *state;
    char data[32768];

    memset(data, 'x', sizeof(data));
    memcpy(data, "{\"a\":\"", 6);
    memcpy(data + sizeof(data) - 3, "\"}", 3);
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "room:7");
    subscribe(world, &world->bob, "room:7");
    const int sleeper = world->bob.fd;
    world->bob.fd = -1; /* not read any more */
    uint64_t offset = 6;
    const uint64_t *slow = (const uint64_t *)&world->loop.metrics.counts[METRIC_SLOW_CLIENTS];
    for (; *slow == 0 && offset < 1000; offset++) {
        char part[32];
        snprintf(part, sizeof(part), "\"offset\":%d}", (int)offset);
        fake_publish(&world->api,
                     &(struct fake_event){.channel = "room:7", .offset = offset, .data = data});
        expect(world, &world->ada, part);
    }
    assert_int_equal(*slow, 1);
    world->bob.fd = sleeper;
    UNTIL(world, world->bob.close_code == 3008);
    assert_int_equal(world->ada.close_code, 0);
}

static void who_breaks_the_rules_leaves_at_once_and_need_not_hang_up(void **state)
{
    struct world *world = *state;

    settings.client.close_ms = 50;
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    raw_write(&world->bob, "\x83\x80\0\0\0\0", 6); /* an opcode that means nothing */
    UNTIL(world, world->bob.close_code == 1002);
    assert_int_equal(hub_channel_count(world->loop.hub), 0);
    UNTIL(world, world->loop.client_count == 0);
}

static void a_loop_that_cannot_keep_up_has_its_clients_come_again(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->loop.port.limit = 3;
    for (uint64_t offset = 6; offset < 30; offset++)
        publish(world, offset);
    UNTIL(world, world->bob.close_code == 3010);
    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    publish(world, 30);
    expect(world, &world->ada, "\"offset\":30");
}

static void who_looks_is_told_to_the_api_and_so_is_who_stops(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "live:7");
    subscribe(world, &world->bob, "live:7");
    UNTIL(world, world->api.looking == 2);
    raw_send(&world->ada, "{\"unsubscribe\":{\"channel\":\"live:7\"},\"id\":9}");
    UNTIL(world, world->api.looking == 1);
    raw_close(&world->bob);
    UNTIL(world, world->api.looking == 0);
}

static void somebody_is_online_from_the_first_connection_to_the_last(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    connect_as(world, &world->cy, BOB);
    UNTIL(world, world->api.online == 1);
    connect_as(world, &world->ada, ADA);
    UNTIL(world, world->api.online == 2);
    raw_close(&world->bob);
    raw_close(&world->ada);
    UNTIL(world, world->api.online == 1);
    raw_close(&world->cy);
    UNTIL(world, world->api.online == 0);
}

static void the_state_of_somebody_comes_with_the_subscription_and_is_asked_again_when_it_may_be_older(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    raw_send(&world->bob, "{\"subscribe\":{\"channel\":\"status:9\"},\"id\":2}");
    expect(world, &world->bob, "{\"id\":2,\"subscribe\":{\"data\":{\"asked\":1}}}");
    connect_as(world, &world->ada, ADA);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    raw_send(&world->ada, "{\"subscribe\":{\"channel\":\"status:9\"},\"id\":2}");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "status:9"});
    expect(world, &world->bob, "{\"push\":{\"channel\":\"status:9\",\"pub\":{\"data\":{\"seq\":0}}}}");
    fake_answer_kept(&world->api);
    expect(world, &world->ada, "{\"id\":2,\"subscribe\":{\"data\":{\"asked\":3}}}");
}

static void a_room_that_too_many_look_at_tells_only_how_many(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "live:7");
    world->api.watchers = 1;
    raw_send(&world->bob, "{\"presence\":{\"channel\":\"live:7\"},\"id\":2}");
    expect(world, &world->bob,
           "{\"id\":2,\"presence\":{\"presence\":{\"c0\":{\"user\":\"42\",\"client\":\"c0\"}}}}");
    world->api.watchers = (size_t)settings.presence.list_max + 1;
    raw_send(&world->bob, "{\"presence\":{\"channel\":\"live:7\"},\"id\":3}");
    expect(world, &world->bob, "{\"id\":3,\"error\":{\"code\":106");
    raw_send(&world->bob, "{\"presence_stats\":{\"channel\":\"live:7\"},\"id\":4}");
    expect(world, &world->bob,
           "{\"id\":4,\"presence_stats\":{\"num_clients\":201,\"num_users\":1}}");
}

static void a_stop_says_goodbye_with_3001(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    broker_stop(world->broker);
    UNTIL(world, world->bob.close_code == 3001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(connect_and_subscriptions_in_one_frame_are_answered_in_order),
        GATEWAY_TEST(a_session_that_is_not_alive_is_closed_with_3500),
        GATEWAY_TEST(without_an_answer_a_connect_fails_for_now),
        GATEWAY_TEST(who_comes_when_too_many_wait_is_told_to_come_back),
        GATEWAY_TEST(a_client_that_leaves_while_it_connects_leaves_nothing_behind),
        GATEWAY_TEST(without_an_answer_a_subscribe_fails_for_now_and_the_next_command_is_served),
        GATEWAY_TEST(what_happens_between_question_and_answer_is_neither_lost_nor_told_twice),
        GATEWAY_TEST(who_wants_no_position_loses_nothing_to_one_who_asks_for_it),
        GATEWAY_TEST(a_subscription_waits_for_what_the_answer_knows_of),
        GATEWAY_TEST(an_ended_session_is_closed_and_no_other),
        GATEWAY_TEST(an_end_that_overtook_the_answer_of_a_connect_grants_nothing),
        GATEWAY_TEST(a_client_that_does_not_read_is_closed_as_slow_and_hurts_nobody),
        GATEWAY_TEST(who_breaks_the_rules_leaves_at_once_and_need_not_hang_up),
        GATEWAY_TEST(a_loop_that_cannot_keep_up_has_its_clients_come_again),
        GATEWAY_TEST(who_looks_is_told_to_the_api_and_so_is_who_stops),
        GATEWAY_TEST(somebody_is_online_from_the_first_connection_to_the_last),
        GATEWAY_TEST(the_state_of_somebody_comes_with_the_subscription_and_is_asked_again_when_it_may_be_older),
        GATEWAY_TEST(a_room_that_too_many_look_at_tells_only_how_many),
        GATEWAY_TEST(a_stop_says_goodbye_with_3001),
    };

    world_begin("test_gateway");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
