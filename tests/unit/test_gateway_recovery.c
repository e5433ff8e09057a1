/* A whole gateway: publications in order, what was lost or missed, streams that begin anew. */
#include "tests/unit/gateway_world.h"

/* ---- order and healing ---- */

static void publications_that_overtake_each_other_are_put_in_order(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    publish(world, 8);
    publish(world, 7);
    publish(world, 6);
    publish(world, 7);
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
}

static void what_the_bus_lost_is_fetched_and_delivered_in_its_place(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    publish(world, 6);
    publish(world, 9);
    UNTIL(world, raw_has(&world->bob, "\"offset\":9"));
    publish(world, 10);
    UNTIL(world, raw_has(&world->bob, "\"offset\":10"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8 9 10");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 1);
}

static void what_there_is_no_room_to_hold_is_counted_and_fetched_in_its_turn(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    bus_of_world(world)->holding.max_count = 1;
    publish(world, 10);
    publish(world, 8);
    UNTIL(world, raw_has(&world->bob, "\"offset\":10"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8 9 10");
    assert_int_equal(counted(world, METRIC_BUS_NOT_HELD), 1);
    assert_int_equal(bus_of_world(world)->holding.bytes, 0);
}

static void what_finds_no_room_at_all_is_fetched_all_the_same(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    UNTIL(world, !bus_of_world(world)->sweep.running);
    settle(world);
    UNTIL(world, !bus_of_world(world)->sweep.running);
    bus_of_world(world)->holding.max_bytes = 10; /* as if other rooms held all of it */
    publish(world, 8); /* 6 and 7 never come */
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
}

static void what_goes_from_memory_to_make_room_is_counted(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    publish(world, 6);
    UNTIL(world, raw_has(&world->bob, "\"offset\":6"));
    bus_of_world(world)->rings.max_bytes = bus_of_world(world)->rings.bytes;
    publish(world, 7);
    UNTIL(world, counted(world, METRIC_RING_EVICTIONS) == 1);
}

static void a_fetch_that_nobody_answers_is_tried_again(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    publish(world, 8);
    UNTIL(world, world->api.kept_count >= 2); /* asked once more after the first deadline */
    assert_string_equal(offsets_of(&world->bob), "");
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"offset\":8"));
    assert_string_equal(offsets_of(&world->bob), "6 7 8");
}

static void who_waits_in_vain_for_a_room_to_be_healed_is_counted_and_tries_again(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    world->api.head = 9; /* 6 to 9 were lost on the bus */
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", "");
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":100");
    assert_int_equal(counted(world, METRIC_SUBSCRIBES_FAILED), 1);
}

static void a_history_with_a_gap_makes_subscribers_start_anew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.history_from = 8;
    publish(world, 9);
    expect(world, &world->bob,
           "{\"push\":{\"channel\":\"room:7\",\"unsubscribe\":{"
           "\"code\":2500,\"reason\":\"insufficient state\"}}}");
    send_subscribe(&world->bob, 3, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->bob, "\"id\":3"));
    assert_string_equal(raw_find(&world->bob, "\"id\":3"),
                        "{\"id\":3,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":9,\"was_recovering\":true}}");
}

static void another_epoch_makes_subscribers_start_anew(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    send_subscribe(&world->bob, 3, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":6");
    UNTIL(world, raw_has(&world->bob, "\"id\":3"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":3"),
                           "\"epoch\":\"e2\",\"offset\":6,\"was_recovering\":true}}"));
}

static void a_straggler_of_the_epoch_before_ends_nothing(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    send_subscribe(&world->bob, 3, "room:7", "");
    expect(world, &world->bob, "\"id\":3");
    world->api.epoch = "e1";
    publish(world, 7);
    world->api.epoch = "e2";
    publish(world, 7);
    UNTIL(world, raw_has(&world->bob, "\"offset\":7"));
    assert_false(raw_has(&world->bob, "\"unsubscribe\""));
}

static void an_answer_of_the_epoch_before_moves_nothing(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    send_subscribe(&world->bob, 3, "room:7", "");
    expect(world, &world->bob, "\"id\":3");
    settle(world);
    world->api.epoch = "e1"; /* of an API that lags behind */
    connect_as(world, &world->ada, ADA);
    world->api.epoch = "e2";
    publish(world, 7);
    UNTIL(world, raw_has(&world->bob, "\"offset\":7"));
    assert_false(raw_has(&world->bob, "\"unsubscribe\""));
}

/* ---- recovery ---- */

static void who_waits_for_the_old_epoch_is_answered_in_the_new_one(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    world->api.head = 90;
    send_subscribe(&world->bob, 2, "room:7", "");
    UNTIL(world, world->api.kept_count == 1); /* 6 to 90 are asked for */
    world->api.head = 5;
    world->api.epoch = "e2";
    publish(world, 6);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"epoch\":\"e2\",\"offset\":6"));
}

static void what_was_held_of_the_old_epoch_is_not_told_in_the_new_one(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    fake_publish(&world->api,
                 &(struct fake_event){.channel = "room:7", .offset = 8, .data = "{\"old\":1}"});
    UNTIL(world, world->api.kept_count == 1);
    world->api.head = 5;
    world->api.epoch = "e2";
    publish(world, 6);
    expect(world, &world->bob, "\"unsubscribe\":{\"code\":2500");
    subscribe(world, &world->bob, "room:7");
    publish(world, 7);
    publish(world, 8);
    publish(world, 9);
    expect(world, &world->bob, "\"offset\":9");
    assert_false(raw_has(&world->bob, "old"));
}

static void what_was_missed_is_recovered_from_memory(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    for (uint64_t offset = 6; offset <= 9; offset++)
        publish(world, offset);
    UNTIL(world, raw_has(&world->ada, "\"offset\":9"));
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":7");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e1\",\"offset\":7,\"was_recovering\":true,\"recovered\":true,"
                        "\"publications\":[{\"data\":{\"seq\":8},\"offset\":8},"
                        "{\"data\":{\"seq\":9},\"offset\":9}]}}");
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 0);
}

static void revise(struct world *world, uint64_t offset)
{
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = offset, .revises = true});
}

/* What the fake API tells of an event is not what was published. */
static void what_was_revised_is_not_recovered_from_memory_as_it_was(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7", .offset = 6, .data = "{\"old\":1}"});
    revise(world, 7);
    publish(world, 8);
    UNTIL(world, raw_has(&world->ada, "\"offset\":8"));
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"),
                           "\"recovered\":true,\"publications\":[{\"data\":{\"seq\":6},\"offset\":6},"
                           "{\"data\":{\"seq\":7},\"offset\":7},{\"data\":{\"seq\":8},\"offset\":8}]"));
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 1);
}

static void an_answer_from_before_a_revision_is_not_kept(void **state)
{
    struct world *world = *state;

    world->api.head = 6;
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    revise(world, 7);
    settle(world);
    world->api.head = 6; /* read before */
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    world->api.head = 7;
    send_subscribe(&world->ada, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->ada, "\"id\":2"));
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 2);
}

/* Both come back while one question is under way. */
static void come_back(struct world *world, size_t fits)
{
    world->api.head = 8;
    connect_as(world, &world->ada, ADA);
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->ada, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":6");
    settle(world);
    assert_int_equal(world->api.kept_count, 1);
    world->api.history_fits = fits;
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->ada, "\"id\":2") && raw_has(&world->bob, "\"id\":2"));
}

static void who_comes_back_at_once_shares_one_question(void **state)
{
    struct world *world = *state;

    come_back(world, 0);
    assert_non_null(strstr(raw_find(&world->ada, "\"id\":2"), "\"offset\":6},{\"data\":{\"seq\":7}"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"),
                           "\"recovered\":true,\"publications\":[{\"data\":{\"seq\":7},\"offset\":7},"
                           "{\"data\":{\"seq\":8},\"offset\":8}]"));
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 1);
}

static void who_comes_back_a_moment_later_finds_the_answer_in_memory(void **state)
{
    struct world *world = *state;

    come_back(world, 0);
    publish(world, 9);
    UNTIL(world, raw_has(&world->bob, "\"offset\":9"));
    raw_send(&world->ada, "{\"unsubscribe\":{\"channel\":\"room:7\"},\"id\":3}");
    UNTIL(world, raw_has(&world->ada, "\"id\":3"));
    send_subscribe(&world->ada, 4, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->ada, "\"id\":4"));
    assert_non_null(strstr(raw_find(&world->ada, "\"id\":4"),
                           "\"recovered\":true,\"publications\":[{\"data\":{\"seq\":6},\"offset\":6},"
                           "{\"data\":{\"seq\":7},\"offset\":7},{\"data\":{\"seq\":8},\"offset\":8},"
                           "{\"data\":{\"seq\":9},\"offset\":9}]"));
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 1);
}

static void who_missed_less_asks_anew_when_the_shared_answer_was_cut(void **state)
{
    struct world *world = *state;

    come_back(world, 2); /* 6 and 7 fit, then 7 and 8 */
    assert_null(strstr(raw_find(&world->ada, "\"id\":2"), "\"recovered\":true"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"), "\"recovered\":true"));
    assert_int_equal(world->api.asked[BUS__QUESTION__ASK_HISTORY], 2);
}

static void what_is_not_in_memory_is_recovered_from_history_and_what_came_meanwhile(void **state)
{
    struct world *world = *state;

    world->api.head = 7;
    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, world->api.kept_count == 1);
    publish(world, 8);
    settle(world);
    world->api.head = 7; /* read before */
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(strstr(raw_find(&world->bob, "\"id\":2"),
                           "\"offset\":5,\"was_recovering\":true,\"recovered\":true,"
                           "\"publications\":[{\"data\":{\"seq\":6},\"offset\":6},{\"data\":{"
                           "\"seq\":7},\"offset\":7},{\"data\":{\"seq\":8},\"offset\":8}]}}"));
    publish(world, 9);
    UNTIL(world, raw_has(&world->bob, "\"offset\":9"));
    assert_string_equal(offsets_of(&world->bob), "9");
}

static void an_epoch_that_ends_while_history_is_asked_is_not_recovered_from(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    world->api.keeps = BUS__QUESTION__ASK_HISTORY;
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":2");
    UNTIL(world, world->api.kept_count == 1);
    world->api.epoch = "e2";
    publish(world, 6);
    settle(world);
    fake_answer_kept(&world->api);
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_string_equal(raw_find(&world->bob, "\"id\":2"),
                        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"positioned\":true,"
                        "\"epoch\":\"e2\",\"offset\":6,\"was_recovering\":true}}");
}

static void a_page_backwards_that_is_cut_by_its_bytes_begins_where_it_was_asked_to(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.history_fits = 2;
    raw_send(&world->bob,
             "{\"history\":{\"channel\":\"room:7\",\"limit\":5,\"reverse\":true},\"id\":9}");
    UNTIL(world, raw_has(&world->bob, "\"id\":9"));
    assert_string_equal(raw_find(&world->bob, "\"id\":9"),
                        "{\"id\":9,\"history\":{\"publications\":["
                        "{\"data\":{\"seq\":5},\"offset\":5},{\"data\":{\"seq\":4},\"offset\":4}],"
                        "\"epoch\":\"e1\",\"offset\":5}}");
}

static void who_missed_more_than_the_bound_is_told_so(void **state)
{
    struct world *world = *state;

    world->api.head = 50;
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7", ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5");
    UNTIL(world, raw_has(&world->bob, "\"id\":2"));
    assert_non_null(
        strstr(raw_find(&world->bob, "\"id\":2"), "\"offset\":50,\"was_recovering\":true}}"));
}

static void who_would_rather_have_an_error_than_a_gap_gets_it(void **state)
{
    struct world *world = *state;

    world->api.head = 50;
    connect_as(world, &world->bob, BOB);
    send_subscribe(&world->bob, 2, "room:7",
                   ",\"recover\":true,\"epoch\":\"e1\",\"offset\":5,\"flag\":3");
    expect(world, &world->bob, "{\"id\":2,\"error\":{\"code\":112");
    subscribe(world, &world->bob, "room:7");
}

/* ---- a lost bus ---- */

static void a_sweep_brings_what_nobody_told_and_says_that_lines_may_be_missing(void **state)
{
    struct world *world = *state;

    send_connect(world, &world->ada, BOB, "4711", NULL);
    expect(world, &world->ada, "connect");
    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    world->api.head = 8; /* nobody heard of these, */
    world->api.ended[0] = TEXT("4710");
    world->api.ended[1] = TEXT("4711"); /* nor of these, told in two pages */
    world->api.ended_count = 2;
    sweep_start(container_of(world->broker, struct bus_broker, base), true);
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    UNTIL(world, strcmp(offsets_of(&world->bob), "6 7 8") == 0);
    UNTIL(world, world->ada.close_code == 3500);
    assert_int_equal(world->bob.close_code, 0);
}

static void pages_of_a_sweep_leave_time_for_what_is_live(void **state)
{
    struct world *world = *state;
    const int64_t every_ms = 40;

    connect_as(world, &world->bob, BOB);
    subscribe(world, &world->bob, "room:7");
    settings.heal.sweep_rate = 1000 / every_ms;
    UNTIL(world, !bus_of_world(world)->sweep.running); /* that of its start */
    uint64_t pages = counted(world, METRIC_SWEEP_PAGES);
    const int64_t began_ms = clock_mono_ms();
    sweep_start(bus_of_world(world), true);
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    const int64_t took_ms = clock_mono_ms() - began_ms;
    pages = counted(world, METRIC_SWEEP_PAGES) - pages;
    assert_true(pages >= 3); /* ended sessions, a room, a user */
    assert_true(took_ms >= (int64_t)(pages - 1) * every_ms - 2); /* libuv looks at the clock once a turn */
    settings.heal.sweep_rate = defaults.heal.sweep_rate;
}

static void more_holes_than_may_be_asked_for_become_a_sweep(void **state)
{
    struct world *world = *state;
    const uint64_t publisher = publisher_id(world->api.publisher);

    UNTIL(world, !bus_of_world(world)->sweep.running);
    const uint64_t sweeps = counted(world, METRIC_SWEEPS);
    settings.heal.hole_max = 1;
    world->api.keeps = BUS__QUESTION__ASK_REPLAY;
    sweep_hole(bus_of_world(world), 0, publisher, 1, 2);
    assert_int_equal(counted(world, METRIC_BUS_HOLES_SWEPT), 0);
    sweep_hole(bus_of_world(world), 0, publisher, 4, 5);
    assert_int_equal(counted(world, METRIC_BUS_HOLES_SWEPT), 1);
    UNTIL(world, counted(world, METRIC_SWEEPS) == sweeps + 1 && world->api.kept_count == 1);
    settings.heal.hole_max = defaults.heal.hole_max;
}

static void say_line(struct world *world, uint64_t offset)
{
    fake_publish(&world->api, &(struct fake_event){.channel = "room:7",
                                                   .offset = offset,
                                                   .summary = "{\"room_id\":\"7\"}"});
}

static void a_sweep_finds_rooms_that_somebody_was_added_to_unheard(void **state)
{
    struct world *world = *state;

    connect_as(world, &world->bob, BOB);
    settle(world);
    world->api.rooms[0] = 7; /* nobody heard of it */
    world->api.as_of[0] = 5;
    world->api.room_count = 1;
    sweep_start(container_of(world->broker, struct bus_broker, base), false);
    expect(world, &world->bob, "{\"type\":\"stale\"}"); /* lines of it were missed */
    say_line(world, 6);
    expect(world, &world->bob, "\"room_id\":\"7\"");
}

static void who_is_no_member_any_more_hears_no_lines_of_a_room_that_was_reset(void **state)
{
    struct world *world = *state;

    everybody_is_a_member(world);
    connect_as(world, &world->ada, ADA);
    subscribe(world, &world->ada, "room:7");
    connect_as(world, &world->bob, BOB);
    settle(world);
    world->api.room_count = 0; /* in the new epoch both are strangers */
    world->api.epoch = "e2";
    say_line(world, 6);
    expect(world, &world->ada, "\"unsubscribe\":{\"code\":2500");
    expect(world, &world->bob, "{\"type\":\"stale\"}");
    say_line(world, 7);
    settle(world);
    assert_false(raw_has(&world->bob, "\"room_id\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(publications_that_overtake_each_other_are_put_in_order),
        GATEWAY_TEST(what_the_bus_lost_is_fetched_and_delivered_in_its_place),
        GATEWAY_TEST(what_there_is_no_room_to_hold_is_counted_and_fetched_in_its_turn),
        GATEWAY_TEST(what_finds_no_room_at_all_is_fetched_all_the_same),
        GATEWAY_TEST(what_goes_from_memory_to_make_room_is_counted),
        GATEWAY_TEST(a_fetch_that_nobody_answers_is_tried_again),
        GATEWAY_TEST(who_waits_in_vain_for_a_room_to_be_healed_is_counted_and_tries_again),
        GATEWAY_TEST(a_history_with_a_gap_makes_subscribers_start_anew),
        GATEWAY_TEST(another_epoch_makes_subscribers_start_anew),
        GATEWAY_TEST(a_straggler_of_the_epoch_before_ends_nothing),
        GATEWAY_TEST(an_answer_of_the_epoch_before_moves_nothing),
        GATEWAY_TEST(who_waits_for_the_old_epoch_is_answered_in_the_new_one),
        GATEWAY_TEST(what_was_held_of_the_old_epoch_is_not_told_in_the_new_one),
        GATEWAY_TEST(what_was_missed_is_recovered_from_memory),
        GATEWAY_TEST(what_was_revised_is_not_recovered_from_memory_as_it_was),
        GATEWAY_TEST(an_answer_from_before_a_revision_is_not_kept),
        GATEWAY_TEST(who_comes_back_at_once_shares_one_question),
        GATEWAY_TEST(who_comes_back_a_moment_later_finds_the_answer_in_memory),
        GATEWAY_TEST(who_missed_less_asks_anew_when_the_shared_answer_was_cut),
        GATEWAY_TEST(what_is_not_in_memory_is_recovered_from_history_and_what_came_meanwhile),
        GATEWAY_TEST(an_epoch_that_ends_while_history_is_asked_is_not_recovered_from),
        GATEWAY_TEST(a_page_backwards_that_is_cut_by_its_bytes_begins_where_it_was_asked_to),
        GATEWAY_TEST(who_missed_more_than_the_bound_is_told_so),
        GATEWAY_TEST(who_would_rather_have_an_error_than_a_gap_gets_it),
        GATEWAY_TEST(a_sweep_brings_what_nobody_told_and_says_that_lines_may_be_missing),
        GATEWAY_TEST(pages_of_a_sweep_leave_time_for_what_is_live),
        GATEWAY_TEST(more_holes_than_may_be_asked_for_become_a_sweep),
        GATEWAY_TEST(a_sweep_finds_rooms_that_somebody_was_added_to_unheard),
        GATEWAY_TEST(who_is_no_member_any_more_hears_no_lines_of_a_room_that_was_reset),
    };

    world_begin("test_gateway_recovery");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
