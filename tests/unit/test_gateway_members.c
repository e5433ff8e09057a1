/* A whole gateway: who comes into rooms and leaves them, and the lines of chat lists. */
#include "tests/unit/gateway_world.h"

/* ---- membership ---- */

static void a_kick_that_overtook_the_answer_of_a_subscribe_grants_nothing(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    world->api.head = 5; /* read before the kick */
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":103");
    publish(world, 7);
    settle(world);
    assert_string_equal(offsets_of(&world->bob), "");
}

static void a_kick_that_overtook_the_answer_of_a_history_tells_nothing_after_it(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    raw_send(&world->bob, "{\"history\":{\"channel\":\"room:7\",\"limit\":9},\"id\":9}");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    publish(world, 7);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2000");
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":9"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":9"), "\"code\":103"));
}

static void a_return_beats_the_kick_before_it(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 7, .adds = BOB});
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    fake_answer_kept(&world->api); /* read after both */
    UNTIL(world, raw_has(&world->bob, "{\"id\":2,\"subscribe\""));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":7"));
}

static void a_kick_that_overtook_the_answer_of_a_connect_grants_no_lines(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->ada, ADA);
    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    settle(world);
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "\"connect\"");
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:7", .offset = 7, .summary = "{\"room_id\":\"7\"}"});
    UNTIL(world, raw_has(&world->ada, "\"channel\":\"chats\""));
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

static void a_member_subscribes_without_an_api_and_a_stranger_does_not(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    world->api.room_count = 0;
    connect_as(world, &world->ada, ADA);
    world->api.subscribe_error = 103;
    send_subscribe(&world->bob, 2, "room:7", "");
    expect(world, &world->bob, "\"offset\":5");
    send_subscribe(&world->bob, 3, "live:7", "");
    expect(world, &world->bob, "{\"id\":3,\"subscribe\"");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_SUBSCRIBE], 0);
    send_subscribe(&world->ada, 2, "room:7", "");
    expect(world, &world->ada, "\"code\":103");
}

static void a_member_who_was_further_elsewhere_has_an_api_asked(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    world->api.head = 7; /* the bus is late */
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":6");
    expect(world, &world->bob, "\"recovered\":true");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_SUBSCRIBE], 1);
}

static void nobody_is_let_in_by_an_answer_that_knows_of_bans_which_the_gateway_does_not(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA); /* nobody is banned yet */
    world->api.blocked[0] = TEXT("7");
    world->api.blocked[1] = TEXT(BOB);
    world->api.blocked_count = 2; /* and the bus lost both */
    world->api.keeps = BUS__QUESTION__ASK_BANS;
    send_connect(world, &world->bob, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    settle(world);
    assert_false(raw_has(&world->bob, "\"connect\""));
    fake_answer_kept(&world->api);
    UNTIL(world, world->bob.close_code != 0);
    assert_int_equal(world->bob.close_code, 3507);
    assert_false(raw_has(&world->bob, "\"connect\""));
}

static void an_answer_to_one_device_takes_no_room_from_the_other(void **state)
{
    struct world *world = *state;

    world->api.keeps = BUS__QUESTION__ASK_CONNECT;
    send_connect(world, &world->ada, BOB, "1", NULL);
    UNTIL(world, world->api.kept_count == 1);
    send_connect(world, &world->bob, BOB, "2", NULL);
    UNTIL(world, world->api.kept_count == 2);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    settle(world);
    world->api.rooms[0] = 7; /* the first answer knows of the room, the second is older */
    world->api.as_of[0] = 6;
    world->api.room_count = 1;
    fake_say(&world->api, world->api.kept[0].inquiry, world->api.kept[0].question);
    expect(world, &world->ada, "\"connect\"");
    world->api.room_count = 0;
    fake_say(&world->api, world->api.kept[1].inquiry, world->api.kept[1].question);
    expect(world, &world->bob, "\"connect\"");
    world->api.kept_count = 0;
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:7", .offset = 7, .summary = "{\"room_id\":\"7\"}"});
    expect(world, &world->ada, "\"channel\":\"chats\"");
    expect(world, &world->bob, "\"channel\":\"chats\"");
}

static void the_removed_get_the_event_that_removes_them_and_nothing_after_it(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "room:7");
    subscribe(world, &world->bob, "room:7");
    subscribe(world, &world->bob, "live:7");
    world->api.room_count = 0; /* as a sweep would be told from now on */
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = 6,
                                                   .removes = BOB,
                                                   .summary = "{\"room_id\":\"7\"}"});
    publish(world, 7);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "live:7", .data = "{\"type\":\"typing\"}"});
    UNTIL(world, raw_has(&world->ada, "\"offset\":7"));
    settle(world);
    assert_string_equal(offsets_of(&world->bob), "6");
    assert_non_null(raw_find(&world->bob, "\"offset\":6"));
    assert_non_null(raw_find(&world->bob, "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{"
                                          "\"code\":2000"));
    assert_non_null(raw_find(&world->bob, "{\"push\":{\"channel\":\"live:7\",\"unsubscribe\":{"
                                          "\"code\":2000"));
    assert_false(raw_has(&world->bob, "typing"));
    assert_false(raw_has(&world->bob, "chats"));
}

static void the_last_event_of_a_room_is_the_last_that_anybody_gets(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->ada, "room:7");
    subscribe(world, &world->ada, "live:7");
    world->api.room_count = 0; /* as a sweep would be told from now on */
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = 6,
                                                   .closes = true,
                                                   .urgent = true,
                                                   .summary = "{\"room_id\":\"7\",\"last\":1}"});
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 7, .summary = "{\"last\":2}"});
    expect(world, &world->ada, "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{\"code\":2000");
    expect(world, &world->ada, "{\"push\":{\"channel\":\"live:7\",\"unsubscribe\":{\"code\":2000");
    expect(world, &world->bob, "\"last\":1"); /* who only hears of the room hears of its end */
    settle(world);
    assert_string_equal(offsets_of(&world->ada), "6");
    assert_false(raw_has(&world->bob, "\"last\":2"));
}

static void the_end_of_a_room_that_the_bus_lost_is_found_in_its_log(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    UNTIL(world, !bus_of_world(world)->sweep.running);
    world->api.room_count = 0;
    world->api.head = world->api.closed_at = 6;
    sweep_start(bus_of_world(world), false);
    expect(world, &world->ada, "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{\"code\":2000");
    assert_string_equal(offsets_of(&world->ada), "6");
}

static void the_end_of_a_room_that_overtook_the_answer_of_a_subscribe_grants_nothing(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_SUBSCRIBE;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .closes = true});
    settle(world);
    world->api.head = 5; /* read before it */
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":103");
}

static void the_added_hear_lines_of_a_room_that_nobody_here_knew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:8", .offset = 3, .adds = BOB});
    fake_publish(
        &world->api,
        &(struct fake_event){.channel = "room:8", .offset = 4, .summary = "{\"room_id\":\"8\"}"});
    expect(world, &world->bob,
           "{\"push\":{\"channel\":\"chats\",\"pub\":{\"data\":{"
           "\"room_id\":\"8\"}}}}");
}

/* ---- what the log said before the room was followed ---- */

static void say(struct world *world, uint64_t offset, const char *mention)
{
    char summary[64];

    snprintf(summary, sizeof(summary), "{\"last_seq\":%d}", (int)offset);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = offset,
                                                   .summary = summary,
                                                   .mention = mention});
}

/* Bob's event of membership has the number 6; it comes after ada's answer, which knows of it. */
static void follow_from_beyond_bobs_event(struct world *world)
{
    connect_as(world, &world->bob, BOB);
    connect_as(world, &world->ada, ADA);
    world->api.head = 6;
    subscribe(world, &world->ada, "room:7");
}

static void who_joined_before_the_room_was_followed_hears_its_lines(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.member = true;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    expect(world, &world->bob, "{\"type\":\"stale\"}"); /* what came before is lost */
    say(world, 7, NULL);
    expect(world, &world->bob, "\"last_seq\":7");
    assert_string_equal(offsets_of(&world->ada), "7");
}

static void who_joined_and_subscribed_at_once_hears_lines_after_unsubscribing(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.head = 6;
    subscribe(world, &world->bob, "room:7");
    world->api.member = true;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    UNTIL(world, world->api.asked[BUS__QUESTION__ASK_MEMBERSHIPS] == 1);
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    raw_send(&world->bob, "{\"unsubscribe\":{\"channel\":\"room:7\"},\"id\":9}");
    expect(world, &world->bob, "{\"id\":9,\"unsubscribe\":{}}");
    say(world, 7, NULL);
    expect(world, &world->bob, "\"last_seq\":7");
}

static void who_joined_and_was_removed_since_hears_no_lines(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.keeps = BUS__QUESTION__ASK_MEMBERSHIPS;
    world->api.member = true;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    UNTIL(world, world->api.kept_count == 1);
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 7, .removes = BOB});
    expect(world, &world->ada, "\"offset\":7");
    world->api.head = 6; /* read before the removal */
    fake_answer_kept(&world->api);
    settle(world);
    say(world, 8, NULL);
    expect(world, &world->ada, "\"offset\":8");
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

/* Bob's Connect was read before the removal, ada's Subscribe after it. */
static void who_was_removed_before_the_room_was_followed_hears_no_lines(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    world->api.head = 6;
    subscribe(world, &world->ada, "room:7");
    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    world->api.room_count = 0;
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    UNTIL(world, world->api.asked[BUS__QUESTION__ASK_MEMBERSHIPS] == 1);
    settle(world);
    say(world, 7, NULL);
    expect(world, &world->ada, "\"offset\":7");
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

static void a_standing_that_is_older_than_a_grant_throws_nobody_out(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.keeps = BUS__QUESTION__ASK_MEMBERSHIPS;
    world->api.member = false;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    UNTIL(world, world->api.kept_count == 1); /* reads: no member at 6 */
    world->api.head = 7;                      /* bob joins again; the bus is slow */
    subscribe(world, &world->bob, "room:7");
    world->api.head = 6;
    fake_answer_kept(&world->api);
    settle(world);
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 7, .adds = BOB});
    say(world, 8, NULL);
    expect(world, &world->ada, "\"offset\":8");
    settle(world);
    assert_false(raw_has(&world->bob, "\"unsubscribe\":{\"code\":2000"));
    assert_true(raw_has(&world->bob, "\"offset\":8"));
}

static void a_membership_that_nobody_tells_is_asked_about_again(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.refuses_memberships = true;
    world->api.member = true;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    UNTIL(world, world->api.asked[BUS__QUESTION__ASK_MEMBERSHIPS] == 2);
    world->api.refuses_memberships = false;
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    say(world, 7, NULL);
    expect(world, &world->bob, "\"last_seq\":7");
}

static void people_in_doubt_are_closed_when_the_api_does_not_know_that_question(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.is_older = true;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    UNTIL(world, world->bob.close_code != 0);
    assert_int_equal(world->bob.close_code, 3010);
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_MEMBERSHIPS], 1);
}

/* Granted while the doubt's answer, which is older, is on its way. */
static void who_is_granted_a_room_while_in_doubt_hears_its_lines_after_unsubscribing(void **state)
{
    struct world *world = *state;

    follow_from_beyond_bobs_event(world);
    world->api.keeps = BUS__QUESTION__ASK_MEMBERSHIPS;
    world->api.member = false;
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 6, .removes = BOB});
    UNTIL(world, world->api.kept_count == 1);
    world->api.head = 7;
    subscribe(world, &world->bob, "room:7");
    world->api.head = 6;
    fake_answer_kept(&world->api);
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    raw_send(&world->bob, "{\"unsubscribe\":{\"channel\":\"room:7\"},\"id\":9}");
    expect(world, &world->bob, "{\"id\":9,\"unsubscribe\":{}}");
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 7});
    say(world, 8, NULL);
    expect(world, &world->bob, "\"last_seq\":8");
}

static void people_beyond_the_most_doubts_are_closed_and_come_back(void **state)
{
    struct world *world = *state;

    settings.heal.doubt_max = 1;
    follow_from_beyond_bobs_event(world);
    world->api.keeps = BUS__QUESTION__ASK_MEMBERSHIPS;
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 5, .adds = ADA});
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .adds = BOB});
    UNTIL(world, world->bob.close_code != 0);
    assert_int_equal(world->bob.close_code, 3010);
    assert_int_equal(counted(world, METRIC_DOUBTS_CLOSED), 1);
    settings.heal.doubt_max = defaults.heal.doubt_max;
}

static void ended_sessions_that_are_forgotten_too_early_are_counted(void **state)
{
    struct world *world = *state;

    bus_of_world(world)->ended.max = 1;
    fake_disconnect(&world->api, BOB, "1001");
    fake_disconnect(&world->api, BOB, "1002");
    UNTIL(world, counted(world, METRIC_SESSIONS_FORGOTTEN) == 1);
}

/* ---- lines ---- */

static void lines_are_folded_into_the_newest_and_name_all_who_are_mentioned(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    say(world, 6, NULL);
    say(world, 7, ADA);
    say(world, 8, BOB);
    say(world, 9, ADA);
    expect(world, &world->bob, "{\"data\":{\"last_seq\":6}}");
    expect(world, &world->bob, "chats");
    assert_non_null(strstr(world->bob.messages[world->bob.seen - 1],
                           "{\"last_seq\":9,\"mentions\":[\"41\",\"42\"]}"));
    settle(world);
    assert_false(raw_has(&world->bob, "chats"));
}

static void who_subscribes_to_a_room_hears_no_lines_of_it_until_unsubscribing(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    say(world, 6, NULL);
    expect(world, &world->bob, "\"offset\":6");
    raw_send(&world->bob, "{\"unsubscribe\":{\"channel\":\"room:7\"},\"id\":9}");
    expect(world, &world->bob, "{\"last_seq\":6}"); /* a client that unsubscribes drops what is on its way */
    expect(world, &world->bob, "{\"id\":9,\"unsubscribe\":{}}");
    say(world, 7, NULL);
    expect(world, &world->bob, "{\"last_seq\":7}");
    assert_string_equal(offsets_of(&world->bob), "6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_subscribe_grants_nothing),
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_history_tells_nothing_after_it),
        GATEWAY_TEST(a_return_beats_the_kick_before_it),
        GATEWAY_TEST(a_kick_that_overtook_the_answer_of_a_connect_grants_no_lines),
        GATEWAY_TEST(a_member_subscribes_without_an_api_and_a_stranger_does_not),
        GATEWAY_TEST(a_member_who_was_further_elsewhere_has_an_api_asked),
        GATEWAY_TEST(nobody_is_let_in_by_an_answer_that_knows_of_bans_which_the_gateway_does_not),
        GATEWAY_TEST(an_answer_to_one_device_takes_no_room_from_the_other),
        GATEWAY_TEST(the_removed_get_the_event_that_removes_them_and_nothing_after_it),
        GATEWAY_TEST(the_last_event_of_a_room_is_the_last_that_anybody_gets),
        GATEWAY_TEST(the_end_of_a_room_that_the_bus_lost_is_found_in_its_log),
        GATEWAY_TEST(the_end_of_a_room_that_overtook_the_answer_of_a_subscribe_grants_nothing),
        GATEWAY_TEST(the_added_hear_lines_of_a_room_that_nobody_here_knew),
        GATEWAY_TEST(who_joined_before_the_room_was_followed_hears_its_lines),
        GATEWAY_TEST(who_joined_and_subscribed_at_once_hears_lines_after_unsubscribing),
        GATEWAY_TEST(who_joined_and_was_removed_since_hears_no_lines),
        GATEWAY_TEST(who_was_removed_before_the_room_was_followed_hears_no_lines),
        GATEWAY_TEST(a_standing_that_is_older_than_a_grant_throws_nobody_out),
        GATEWAY_TEST(a_membership_that_nobody_tells_is_asked_about_again),
        GATEWAY_TEST(people_in_doubt_are_closed_when_the_api_does_not_know_that_question),
        GATEWAY_TEST(who_is_granted_a_room_while_in_doubt_hears_its_lines_after_unsubscribing),
        GATEWAY_TEST(people_beyond_the_most_doubts_are_closed_and_come_back),
        GATEWAY_TEST(ended_sessions_that_are_forgotten_too_early_are_counted),
        GATEWAY_TEST(lines_are_folded_into_the_newest_and_name_all_who_are_mentioned),
        GATEWAY_TEST(who_subscribes_to_a_room_hears_no_lines_of_it_until_unsubscribing),
    };

    world_begin("test_gateway_members");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
