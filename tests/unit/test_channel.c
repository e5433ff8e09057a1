/* Order, holding, recent publications, and what the log says about memberships. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/broker/bus/channel.h"
#include "gateway/broker/bus/users.h"

#define HOLD_MAX 4

static struct parcel *parcel_at(uint64_t offset)
{
    return parcel_create(&(struct parcel_content){.channel = TEXT("room:7"),
                                                  .data = TEXT("{}"),
                                                  .offset = offset,
                                                  .is_json = true});
}

static struct hold_store holding = {.max_count = HOLD_MAX, .max_bytes = SIZE_MAX};

static bool hold(struct channel *channel, uint64_t offset)
{
    struct parcel *parcel = parcel_at(offset);
    const bool held = channel_hold(channel, parcel);

    parcel_unref(parcel);
    return held;
}

/* Takes what is next, as the broker would; 0: nothing. */
static uint64_t take_held(struct channel *channel)
{
    struct parcel *parcel = channel_next_held(channel);
    const uint64_t offset = parcel != NULL ? parcel->offset : 0;

    if (parcel != NULL)
        channel->next = offset + 1;
    parcel_unref(parcel);
    return offset;
}

static struct channel *live_at(uint64_t offset)
{
    struct channel *channel = channel_create(TEXT("room:7"), NULL, true, 1, &holding);

    channel_place(channel, offset, TEXT("e1"));
    channel_enter(channel, CHANNEL_LIVE);
    return channel;
}

static void the_next_is_delivered_repeats_are_dropped_and_others_wait(void **state)
{
    struct channel *channel = live_at(5);

    assert_int_equal(channel_judge(channel, 6), CHANNEL_NEXT);
    assert_int_equal(channel_judge(channel, 5), CHANNEL_REPEAT);
    assert_int_equal(channel_judge(channel, 7), CHANNEL_EARLY);
    assert_int_equal(channel_judge(channel, 0), CHANNEL_NEXT); /* outside the log */
    channel_destroy(channel);
}

static void until_its_place_is_known_everything_waits(void **state)
{
    struct channel *channel = channel_create(TEXT("room:7"), NULL, true, 1, &holding);

    assert_int_equal(channel_judge(channel, 6), CHANNEL_EARLY);
    assert_true(hold(channel, 7));
    assert_true(hold(channel, 6));
    assert_true(hold(channel, 5));
    channel_place(channel, 5, TEXT("e1"));
    channel_enter(channel, CHANNEL_LIVE);
    assert_int_equal(take_held(channel), 6);
    assert_int_equal(take_held(channel), 7);
    assert_int_equal(take_held(channel), 0);
    assert_false(channel_has_gap(channel));
    channel_destroy(channel);
}

static void held_ones_come_in_order_and_once(void **state)
{
    struct channel *channel = live_at(5);

    assert_true(hold(channel, 9));
    assert_true(hold(channel, 7));
    assert_false(hold(channel, 9));
    assert_true(hold(channel, 8));
    assert_int_equal(take_held(channel), 0); /* 6 is missing */
    assert_true(channel_has_gap(channel));
    channel->next = 7; /* it was delivered */
    assert_int_equal(take_held(channel), 7);
    assert_int_equal(take_held(channel), 8);
    assert_int_equal(take_held(channel), 9);
    assert_false(channel_has_gap(channel));
    channel_destroy(channel);
}

static void of_too_many_the_latest_are_not_held_but_known_to_exist(void **state)
{
    struct channel *channel = live_at(5);

    holding.let_go = 0;
    for (uint64_t offset = 8; offset < 8 + HOLD_MAX; offset++)
        assert_true(hold(channel, offset));
    assert_false(hold(channel, 20));
    assert_true(hold(channel, 7)); /* takes the place of the latest */
    assert_int_equal(channel->held_count, HOLD_MAX);
    assert_int_equal(channel->top, 20);
    assert_false(hold(channel, 7)); /* there already: nobody goes for it */
    assert_int_equal(channel->held_count, HOLD_MAX);
    assert_int_equal(holding.let_go, 2);
    channel_destroy(channel);
    assert_int_equal(holding.bytes, 0);
}

static void what_all_channels_hold_is_under_one_budget(void **state)
{
    struct channel *channel = live_at(5), *other = live_at(5);

    assert_true(hold(channel, 7));
    holding.max_bytes = 2 * holding.bytes;
    holding.let_go = 0;
    assert_true(hold(other, 9));
    assert_false(hold(channel, 8));
    assert_true(hold(other, 8)); /* takes the place of the latest of its own channel */
    assert_int_equal(holding.let_go, 2);
    assert_int_equal(other->held_count, 1);
    other->next = 8;
    assert_int_equal(take_held(other), 8);
    assert_true(hold(channel, 8));
    channel_destroy(channel);
    channel_destroy(other);
    assert_int_equal(holding.bytes, 0);
    holding.max_bytes = SIZE_MAX;
}

static void a_channel_without_a_log_has_no_gaps(void **state)
{
    struct channel *channel = channel_create(TEXT("user:42"), NULL, false, 1, &holding);

    assert_false(channel_has_gap(channel));
    assert_int_equal(channel_judge(channel, 0), CHANNEL_NEXT);
    channel_destroy(channel);
}

static void an_unknown_epoch_is_no_other_epoch(void **state)
{
    struct channel *channel = live_at(5);

    assert_true(channel_has_epoch(channel, TEXT("e1")));
    assert_true(channel_has_epoch(channel, TEXT("")));
    assert_false(channel_has_epoch(channel, TEXT("e2")));
    channel_destroy(channel);
}

static void a_place_in_another_epoch_begins_there_and_is_kept(void **state)
{
    struct channel *channel = live_at(5);

    channel_place(channel, 2, TEXT("e2"));
    assert_string_equal(channel->epoch, "e2");
    assert_false(channel_has_epoch(channel, TEXT("e1")));
    assert_int_equal(channel_judge(channel, 3), CHANNEL_NEXT);
    channel_place(channel, 4, TEXT("")); /* of the same */
    assert_string_equal(channel->epoch, "e2");
    channel_destroy(channel);
}

/* ---- rings ---- */

static void add(struct ring_store *store, struct ring *ring, uint64_t offset)
{
    struct parcel *parcel = parcel_at(offset);

    ring_add(store, ring, parcel);
    parcel_unref(parcel);
}

static void a_ring_keeps_the_newest_and_has_no_holes(void **state)
{
    struct ring_store store = {.max_bytes = 1 << 20, .max_count = 3};
    struct ring ring = {0};

    for (uint64_t offset = 1; offset <= 5; offset++)
        add(&store, &ring, offset);
    assert_null(ring_find(&ring, 2));
    assert_int_equal(ring_find(&ring, 3)->parcel->offset, 3);
    assert_null(ring_find(&ring, 6));
    add(&store, &ring, 7);
    assert_null(ring_find(&ring, 5));
    assert_int_equal(ring.count, 1);
    ring_clear(&store, &ring);
    assert_int_equal(store.bytes, 0);
}

static void under_one_budget_the_oldest_of_all_rings_goes_first(void **state)
{
    struct ring_store store = {.max_bytes = 1 << 20, .max_count = 100};
    struct ring tea = {0}, milk = {0};

    add(&store, &tea, 1);
    add(&store, &milk, 1);
    store.max_bytes = store.bytes;
    add(&store, &milk, 2);
    assert_int_equal(tea.count, 0);
    assert_int_equal(milk.count, 2);
    add(&store, &tea, 2);
    assert_int_equal(milk.count, 1);
    assert_int_equal(store.evictions, 2);
    ring_clear(&store, &tea);
    ring_clear(&store, &milk);
}

/* ---- memberships ---- */

static struct request *open_question(struct users *users, const char *user)
{
    struct request *request =
        request_create(REQUEST_SUBSCRIBE, NULL);

    request->user = request_keep(request, text(user));

    users_open(users, request);
    return request;
}

static void the_newer_fact_wins_however_they_arrive(void **state)
{
    struct users users = {0};
    struct request *request = open_question(&users, "42");

    users_note(&users, TEXT("42"), 7, 9, false);
    users_note(&users, TEXT("42"), 7, 7, true);
    assert_false(user_fact(request->owner, 7)->removed);
    users_note(&users, TEXT("42"), 7, 10, true);
    assert_true(user_fact(request->owner, 7)->removed);
    assert_null(user_fact(request->owner, 8));
    users_close(&users, request);
    request_destroy(request);
}

static void facts_are_kept_for_those_who_have_a_question_open(void **state)
{
    struct users users = {0};
    struct request *first = open_question(&users, "42"), *second = open_question(&users, "42");

    users_note(&users, TEXT("41"), 7, 9, false);
    assert_null(users_find(&users, TEXT("41")));
    users_note(&users, TEXT("42"), 7, 9, false);
    users_close(&users, first);
    assert_non_null(user_fact(second->owner, 7));
    users_close(&users, second);
    assert_null(users_find(&users, TEXT("42")));
    request_destroy(first);
    request_destroy(second);
}

static void of_too_many_facts_it_is_said_that_they_are(void **state)
{
    struct users users = {0};
    struct request *request = open_question(&users, "42");

    for (int64_t room = 1; room <= USERS_FACTS_MAX; room++)
        users_note(&users, TEXT("42"), room, 1, true);
    assert_false(request->owner->too_many);
    users_note(&users, TEXT("42"), USERS_FACTS_MAX + 1, 1, true);
    assert_true(request->owner->too_many);
    assert_int_equal(users.lost, 1);
    users_close(&users, request);
    request_destroy(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_is_delivered_repeats_are_dropped_and_others_wait),
        cmocka_unit_test(until_its_place_is_known_everything_waits),
        cmocka_unit_test(held_ones_come_in_order_and_once),
        cmocka_unit_test(of_too_many_the_latest_are_not_held_but_known_to_exist),
        cmocka_unit_test(what_all_channels_hold_is_under_one_budget),
        cmocka_unit_test(a_channel_without_a_log_has_no_gaps),
        cmocka_unit_test(an_unknown_epoch_is_no_other_epoch),
        cmocka_unit_test(a_place_in_another_epoch_begins_there_and_is_kept),
        cmocka_unit_test(a_ring_keeps_the_newest_and_has_no_holes),
        cmocka_unit_test(under_one_budget_the_oldest_of_all_rings_goes_first),
        cmocka_unit_test(the_newer_fact_wins_however_they_arrive),
        cmocka_unit_test(facts_are_kept_for_those_who_have_a_question_open),
        cmocka_unit_test(of_too_many_facts_it_is_said_that_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
