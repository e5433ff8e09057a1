#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/channels/patterns.h"
#include "tests/unit/memory_place.h"

static void a_star_does_not_stand_for_who_needs_to_be_let_in(void **state)
{
    struct gateway *gateway = *state;
    const struct settings *settings = &gateway->settings;

    assert_false(channel_matches(TEXT("*"), TEXT("$secret"), &gateway->other, settings));
    assert_true(channel_matches(TEXT("$*"), TEXT("$secret"), &gateway->other, settings));
    assert_false(channel_matches(TEXT("dialog*"), TEXT("dialog#1,2"), &gateway->other, settings));
    assert_true(channel_matches(TEXT("news:*"), TEXT("news:#1"), &gateway->news, settings));
}

static void a_pattern_hears_what_matches_and_where_it_was_published(void **state)
{
    struct gateway *gateway = *state;
    const struct parcel *parcel;
    struct request *request = subscribing(gateway, "news:*", "c1");

    request->wants_position = request->wants_recovery = request->recover = true;
    assert_int_equal(ask(gateway, request)->position_epoch.len, 0);
    subscribe(gateway, 0, "news:a");
    publish(gateway, "news:a", "1");
    parcel = next_parcel(gateway, 0);
    assert_text(parcel->channel, "news:a");
    assert_int_equal(parcel->matched.len, 0);
    assert_int_equal(parcel->offset, 1);
    parcel = next_parcel(gateway, 0);
    assert_text(parcel->channel, "news:*");
    assert_text(parcel->matched, "news:a");
    assert_text(parcel->data, "1");
    assert_int_equal(parcel->offset, 0);
    publish(gateway, "plain:a", "1");
    give_back(gateway, 0, "news:*", 1, "c1");
    publish(gateway, "news:b", "1");
    assert_no_letter(gateway, 0);
}

static void a_pattern_hears_only_its_own_namespace(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 0, "*");
    publish(gateway, "news:a", "1");
    publish(gateway, "lobby", "1");
    assert_text(next_parcel(gateway, 0)->matched, "lobby");
    assert_no_letter(gateway, 0);
}

static void a_name_with_a_star_is_a_name_where_there_are_no_patterns(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 0, "plain:*");
    publish(gateway, "plain:a", "1");
    publish(gateway, "plain:*", "2");
    assert_text(next_parcel(gateway, 0)->data, "2");
    assert_no_letter(gateway, 0);
}

static void there_are_so_many_patterns_at_once(void **state)
{
    struct gateway *gateway = *state;

    assert_done(subscribe(gateway, 0, "news:a*"));
    assert_done(subscribe(gateway, 0, "news:b*"));
    assert_failed(subscribe(gateway, 0, "news:c*"), PROTOCOL_LIMIT_EXCEEDED);
    assert_done(subscribe(gateway, 1, "news:a*"));
    give_back(gateway, 0, "news:b*", 1, "");
    assert_done(subscribe(gateway, 0, "news:c*"));
}

static void what_is_published_to_a_pattern_reaches_every_channel_at_hand(void **state)
{
    struct gateway *gateway = *state;
    const struct request *answer;

    subscribe(gateway, 0, "news:a1");
    publish(gateway, "news:a2", "1");
    subscribe(gateway, 0, "news:b1");
    subscribe(gateway, 0, "news:*");
    answer = publish(gateway, "news:a*", "2");
    assert_done(answer);
    assert_int_equal(answer->position, 2);
    assert_int_equal(ask(gateway, history(gateway, "news:a1", 0))->position, 1);
    assert_int_equal(ask(gateway, history(gateway, "news:b1", 0))->position, 0);
    assert_text(next_parcel(gateway, 0)->channel, "news:a1");
    assert_text(next_parcel(gateway, 0)->matched, "news:a1");
    assert_text(next_parcel(gateway, 0)->matched, "news:a2");
    assert_no_letter(gateway, 0);
}

static void as_many_channels_are_reached_as_there_are(void **state)
{
    struct gateway *gateway = *state;
    char name[16];

    gateway->settings.memory.max_channels = 2; /* bounds streams, and these have none */
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof(name), "lobby%d", i);
        subscribe(gateway, 0, name);
    }
    assert_done(publish(gateway, "lobby*", "1"));
    for (int i = 0; i < 9; i++)
        next_parcel(gateway, 0);
    assert_no_letter(gateway, 0);
}

static void a_channel_without_room_for_a_stream_is_the_error_and_others_are_reached(void **state)
{
    struct gateway *gateway = *state;

    gateway->settings.memory.max_channels = 2;
    subscribe(gateway, 0, "news:a");
    publish(gateway, "news:b", "1");
    publish(gateway, "news:c", "1");
    assert_failed(publish(gateway, "news:*", "2"), PROTOCOL_LIMIT_EXCEEDED);
    assert_int_equal(ask(gateway, history(gateway, "news:b", 0))->position, 2);
    assert_int_equal(ask(gateway, history(gateway, "news:c", 0))->position, 2);
    assert_no_letter(gateway, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_star_does_not_stand_for_who_needs_to_be_let_in),
        GATEWAY_TEST(a_pattern_hears_what_matches_and_where_it_was_published),
        GATEWAY_TEST(a_pattern_hears_only_its_own_namespace),
        GATEWAY_TEST(a_name_with_a_star_is_a_name_where_there_are_no_patterns),
        GATEWAY_TEST(there_are_so_many_patterns_at_once),
        GATEWAY_TEST(what_is_published_to_a_pattern_reaches_every_channel_at_hand),
        GATEWAY_TEST(as_many_channels_are_reached_as_there_are),
        GATEWAY_TEST(a_channel_without_room_for_a_stream_is_the_error_and_others_are_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
