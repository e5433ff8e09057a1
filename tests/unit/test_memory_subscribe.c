#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/protocol/filter.h"
#include "tests/unit/memory_place.h"

static void a_subscription_without_position_gets_none(void **state)
{
    struct gateway *gateway = *state;
    const struct request *answer = subscribe(gateway, 0, "news:a");

    assert_done(answer);
    assert_int_equal(answer->position_epoch.len, 0);
    assert_int_equal(answer->publication_count, 0);
}

static void a_positioned_subscription_begins_at_the_top(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = subscribing(gateway, "news:a", "c1");
    const struct request *answer;

    publish(gateway, "news:a", "1");
    publish(gateway, "news:a", "2");
    request->wants_position = true;
    answer = ask(gateway, request);
    assert_int_equal(answer->position, 2);
    assert_int_equal(answer->position_epoch.len, 8);
    assert_int_equal(publish(gateway, "news:a", "3")->position, 3);
    assert_int_equal(next_parcel(gateway, 0)->offset, 3);
}

static void a_subscription_makes_the_stream_that_is_published_to_later(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = subscribing(gateway, "news:a", "c1");
    const struct request *answer;

    request->wants_position = true;
    answer = ask(gateway, request);
    assert_int_equal(answer->position, 0);
    assert_true(
        text_equal(answer->position_epoch, publish(gateway, "news:a", "1")->position_epoch));
}

static void what_was_missed_comes_with_the_answer(void **state)
{
    struct gateway *gateway = *state;
    const struct request *answer;
    struct text epoch = {0};

    for (int i = 0; i < 4; i++)
        epoch = publish(gateway, "news:a", "1")->position_epoch;
    answer = ask(gateway, recovering(gateway, "news:a", 2, epoch));
    assert_true(answer->recovered);
    assert_int_equal(answer->position, 4);
    assert_int_equal(answer->publication_count, 2);
    assert_int_equal(answer->publications[0]->offset, 3);
    assert_int_equal(answer->publications[1]->offset, 4);
}

static void what_cannot_be_recovered_is_no_error_unless_the_client_says_so(void **state)
{
    struct gateway *gateway = *state;
    struct request *request;
    const struct request *answer;

    publish(gateway, "news:a", "1");
    answer = ask(gateway, recovering(gateway, "news:a", 1, TEXT("oldEpoch")));
    assert_done(answer);
    assert_false(answer->recovered);
    assert_int_equal(answer->position, 1);
    give_back(gateway, 0, "news:a", 1, "c1");

    request = recovering(gateway, "news:a", 1, TEXT("oldEpoch"));
    request->flag = SUBSCRIBE_FLAG_REJECT_UNRECOVERED;
    assert_failed(ask(gateway, request), PROTOCOL_UNRECOVERABLE);
    publish(gateway, "news:a", "2");
    assert_no_letter(gateway, 0); /* it got no reference */
}

static struct filter *about_go(void)
{
    struct filter *filter = NULL;

    assert_int_equal(
        filter_read_json(&filter, TEXT("{\"key\":\"lang\",\"cmp\":\"eq\",\"val\":\"go\"}")),
        ERR_OK);
    return filter;
}

static void publish_about(struct gateway *gateway, const char *lang)
{
    struct request *request = publishing(gateway, "news:a", "1");
    const struct tag tag = {TEXT("lang"), text(lang)};

    request_keep_tags(request, &tag, 1);
    ask(gateway, request);
}

static void only_what_passes_the_filter_is_recovered(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = recovering(gateway, "news:a", 0, (struct text){0});
    const struct request *answer;

    publish_about(gateway, "go");
    publish_about(gateway, "c");
    publish_about(gateway, "go");
    publish_about(gateway, "c");
    request->filter = about_go();
    answer = ask(gateway, request);
    assert_true(answer->recovered);
    assert_int_equal(answer->publication_count, 2);
    assert_int_equal(answer->publications[1]->offset, 3);

    request = recovering(gateway, "news:a", 0, (struct text){0});
    request->filter = about_go();
    request->cache_recovery = true;
    answer = ask(gateway, request);
    assert_true(answer->recovered);
    assert_int_equal(answer->publication_count, 1);
    assert_int_equal(answer->publications[0]->offset, 3);
}

static void a_position_lives_as_long_as_somebody_listens(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = subscribing(gateway, "news:a", "c1");
    const struct request *answer;
    int64_t until_ms;

    gateway->news.history_ttl_ms = gateway->news.history_meta_ttl_ms = 1;
    request->wants_position = true;
    answer = ask(gateway, request);
    until_ms = broker_now_ms(gateway->broker) + 5;
    TURN_UNTIL(gateway->place, broker_now_ms(gateway->broker) > until_ms);
    assert_true(
        text_equal(answer->position_epoch, publish(gateway, "news:a", "1")->position_epoch));
    give_back(gateway, 0, "news:a", 1, "c1");
    until_ms = broker_now_ms(gateway->broker) + 5;
    TURN_UNTIL(gateway->place, broker_now_ms(gateway->broker) > until_ms);
    assert_false(
        text_equal(answer->position_epoch, publish(gateway, "news:a", "1")->position_epoch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_subscription_without_position_gets_none),
        GATEWAY_TEST(a_positioned_subscription_begins_at_the_top),
        GATEWAY_TEST(a_subscription_makes_the_stream_that_is_published_to_later),
        GATEWAY_TEST(what_was_missed_comes_with_the_answer),
        GATEWAY_TEST(what_cannot_be_recovered_is_no_error_unless_the_client_says_so),
        GATEWAY_TEST(only_what_passes_the_filter_is_recovered),
        GATEWAY_TEST(a_position_lives_as_long_as_somebody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
