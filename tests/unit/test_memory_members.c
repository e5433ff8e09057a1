#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/memory_place.h"

static struct request *stats(struct gateway *gateway)
{
    struct request *request = question(gateway, REQUEST_PRESENCE_STATS, "news:a");

    request->loop = 1;
    return ask(gateway, request);
}

static void a_join_comes_after_the_answer_and_a_leave_not_to_who_left(void **state)
{
    struct gateway *gateway = *state;
    const struct notice *notice;

    subscribe(gateway, 1, "news:a");
    enter(gateway, "c2", true, true);
    notice = next_notice(gateway, 0, NOTICE_JOIN);
    assert_text(notice->channel, "news:a");
    assert_text(notice->info.user, "ada");
    assert_text(notice->info.client, "c2");
    assert_text(notice->info.chan_info, "{\"x\":1}");
    next_notice(gateway, 1, NOTICE_JOIN);

    give_back(gateway, 0, "news:a", 1, "c2");
    assert_text(next_notice(gateway, 1, NOTICE_LEAVE)->info.client, "c2");
    stats(gateway);
    assert_no_letter(gateway, 0);
}

static void who_tells_nobody_is_not_heard_of(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 1, "news:a");
    enter(gateway, "c2", false, false);
    enter(gateway, "c3", true, false);
    assert_int_equal(stats(gateway)->client_count, 1);
    give_back(gateway, 0, "news:a", 1, "c2");
    give_back(gateway, 0, "news:a", 1, "c3");
    assert_int_equal(stats(gateway)->client_count, 0);
    assert_no_letter(gateway, 1);
}

static void presence_shows_who_wants_to_be_shown(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = question(gateway, REQUEST_PRESENCE, "news:a");
    const struct request *answer;

    enter(gateway, "c1", true, false);
    enter(gateway, "c2", false, true);
    next_notice(gateway, 0, NOTICE_JOIN);
    request->loop = 1;
    answer = ask(gateway, request);
    assert_int_equal(answer->entry_count, 1);
    assert_text(answer->entries[0].client, "c1");
    assert_text(answer->entries[0].user, "ada");
    assert_text(answer->entries[0].chan_info, "{\"x\":1}");
}

static void a_channel_with_too_many_tells_only_how_many(void **state)
{
    struct gateway *gateway = *state;
    static const char *const clients[] = {"c1", "c2", "c3", "c4"};

    for (size_t i = 0; i < ARRAY_COUNT(clients); i++)
        enter(gateway, clients[i], true, false);
    assert_int_equal(ask(gateway, question(gateway, REQUEST_PRESENCE, "news:a"))->error,
                     PROTOCOL_LIMIT_EXCEEDED);
    assert_int_equal(
        ask(gateway, question(gateway, REQUEST_PRESENCE_STATS, "news:a"))->client_count, 4);
}

static void a_list_that_is_too_large_for_who_asks_is_an_error(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = question(gateway, REQUEST_PRESENCE, "news:a");

    enter(gateway, "c1", true, false);
    enter(gateway, "c2", true, false);
    request->bytes_max = 200; /* enough for one */
    assert_int_equal(ask(gateway, request)->error, PROTOCOL_LIMIT_EXCEEDED);
}

static void stats_count_people_once(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = subscribing(gateway, "news:a", "c3");
    const struct client_info anonymous = {.client = TEXT("c3")};

    enter(gateway, "c1", true, false);
    enter(gateway, "c2", true, false);
    request_keep_info(request, &anonymous);
    request->tells_presence = true;
    ask(gateway, request);
    assert_int_equal(stats(gateway)->client_count, 3);
    assert_int_equal(stats(gateway)->user_count, 2);
}

/* The end of the first subscription is told after the second was asked for. */
static void who_comes_back_at_once_is_still_there(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 1, "news:a");
    enter(gateway, "c2", true, true);
    next_notice(gateway, 1, NOTICE_JOIN);
    next_notice(gateway, 0, NOTICE_JOIN);
    post(gateway, ({
             struct request *request = subscribing(gateway, "news:a", "c2");
             request->tells_presence = request->tells_join_leave = true;
             request;
         }));
    give_back(gateway, 0, "news:a", 1, "c2");
    next_notice(gateway, 1, NOTICE_LEAVE);
    next_notice(gateway, 1, NOTICE_JOIN);
    assert_int_equal(stats(gateway)->client_count, 1);
    give_back(gateway, 0, "news:a", 1, "c2");
    next_notice(gateway, 1, NOTICE_LEAVE);
    assert_int_equal(stats(gateway)->client_count, 0);
}

static void presence_that_is_off_is_not_available(void **state)
{
    struct gateway *gateway = *state;

    assert_failed(ask(gateway, question(gateway, REQUEST_PRESENCE, "plain:a")),
                  PROTOCOL_NOT_AVAILABLE);
    assert_failed(ask(gateway, question(gateway, REQUEST_PRESENCE_STATS, "plain:a")),
                  PROTOCOL_NOT_AVAILABLE);
    assert_done(ask(gateway, question(gateway, REQUEST_PRESENCE, "news:nobody")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_join_comes_after_the_answer_and_a_leave_not_to_who_left),
        GATEWAY_TEST(who_tells_nobody_is_not_heard_of),
        GATEWAY_TEST(presence_shows_who_wants_to_be_shown),
        GATEWAY_TEST(a_list_that_is_too_large_for_who_asks_is_an_error),
        GATEWAY_TEST(a_channel_with_too_many_tells_only_how_many),
        GATEWAY_TEST(stats_count_people_once),
        GATEWAY_TEST(who_comes_back_at_once_is_still_there),
        GATEWAY_TEST(presence_that_is_off_is_not_available),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
