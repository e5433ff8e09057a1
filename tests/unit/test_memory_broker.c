#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/memory_place.h"

/* ---- bounds ---- */

static void a_stream_that_keeps_nothing_makes_room_for_another(void **state)
{
    struct gateway *gateway = *state;
    struct text epoch;

    gateway->settings.memory.max_channels = 2;
    epoch = publish(gateway, "news:a", "1")->position_epoch;
    publish(gateway, "news:b", "1");
    assert_failed(publish(gateway, "news:c", "1"), PROTOCOL_LIMIT_EXCEEDED);
    assert_failed(ask(gateway, history(gateway, "news:c", 0)), PROTOCOL_LIMIT_EXCEEDED);
    assert_failed(ask(gateway, recovering(gateway, "news:c", 0, epoch)), PROTOCOL_LIMIT_EXCEEDED);
    ask(gateway, question(gateway, REQUEST_HISTORY_REMOVE, "news:a"));
    assert_done(publish(gateway, "news:c", "1"));
    ask(gateway, question(gateway, REQUEST_HISTORY_REMOVE, "news:b"));
    assert_int_not_equal(publish(gateway, "news:a", "1")->position, 2); /* it was forgotten */
}

static void a_stream_that_is_listened_to_makes_no_room(void **state)
{
    struct gateway *gateway = *state;

    gateway->settings.memory.max_channels = 1;
    assert_done(ask(gateway, recovering(gateway, "news:a", 0, (struct text){0})));
    assert_failed(publish(gateway, "news:b", "1"), PROTOCOL_LIMIT_EXCEEDED);
    give_back(gateway, 0, "news:a", 1, "c1");
    assert_done(publish(gateway, "news:b", "1"));
}

static void a_loop_that_is_too_slow_is_told_once(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 0, "plain:a");
    gateway->loops[0].port.limit = 0;
    publish(gateway, "plain:a", "1");
    publish(gateway, "plain:a", "2");
    next_notice(gateway, 0, NOTICE_OVERRUN);
    assert_no_letter(gateway, 0);
}

static void a_channel_that_nobody_needs_is_not_kept(void **state)
{
    struct gateway *gateway = *state;

    enter(gateway, "c1", true, true);
    next_notice(gateway, 0, NOTICE_JOIN);
    publish(gateway, "plain:a", "1");
    ask(gateway, question(gateway, REQUEST_PRESENCE, "news:b"));
    TURN_UNTIL(gateway->place, gateway->broker->channel_count == 1);
    give_back(gateway, 0, "news:a", 1, "c1");
    TURN_UNTIL(gateway->place, gateway->broker->channel_count == 0);
}

/* ---- the others ---- */

static void an_order_goes_to_all_loops(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = request_create(REQUEST_ORDER, NULL);

    request->order = order_create(ORDER_DISCONNECT);
    request->order->user = arena_text(&request->order->arena, TEXT("ada"));
    request->order->code = 3503;
    post(gateway, request);
    for (unsigned i = 0; i < LOOPS; i++) {
        const struct notice *notice = next_notice(gateway, i, NOTICE_ORDER);
        assert_text(notice->order->user, "ada");
        assert_int_equal(notice->order->code, 3503);
    }
    assert_done(next_answer(gateway, 0));
}

static struct request *emulating(struct gateway *gateway, struct text node, const char *session)
{
    struct request *request = request_create(REQUEST_EMULATION, NULL);

    request->method = request_keep(request, node);
    request->session = request_keep(request, text(session));
    request->data = request_keep(request, TEXT("{}"));
    return request;
}

static void commands_of_an_emulated_connection_reach_its_loop(void **state)
{
    struct gateway *gateway = *state;
    const struct notice *notice;

    assert_done(ask(gateway, emulating(gateway, node_id(), "01abcdef")));
    notice = next_notice(gateway, 1, NOTICE_EMULATION);
    assert_text(notice->session, "01abcdef");
    assert_text(notice->data, "{}");
}

static void commands_for_nobody_are_no_error_but_for_another_node_are(void **state)
{
    struct gateway *gateway = *state;

    assert_done(ask(gateway, emulating(gateway, node_id(), "02abcdef")));
    assert_done(ask(gateway, emulating(gateway, node_id(), "zz")));
    assert_done(ask(gateway, emulating(gateway, node_id(), "0")));
    assert_failed(ask(gateway, emulating(gateway, TEXT("another"), "01abcdef")),
                  PROTOCOL_NOT_AVAILABLE);
    assert_no_letter(gateway, 0);
    assert_no_letter(gateway, 1);
}

static void a_connect_needs_no_more_than_its_token(void **state)
{
    struct gateway *gateway = *state;
    const struct request *answer = ask(gateway, request_create(REQUEST_CONNECT, NULL));

    assert_done(answer);
    assert_int_equal(answer->rooms.count, 0);
}

static void what_it_does_not_know_is_refused(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = subscribing(gateway, "room:7", "c1");

    assert_failed(ask(gateway, request_create(REQUEST_RPC, NULL)), PROTOCOL_NOT_AVAILABLE);
    request->namespace = NULL;
    assert_failed(ask(gateway, request), PROTOCOL_UNKNOWN_CHANNEL);
}

static void a_stop_is_told_to_all_loops_once(void **state)
{
    struct gateway *gateway = *state;

    broker_stop(gateway->broker);
    broker_stop(gateway->broker);
    for (unsigned i = 0; i < LOOPS; i++)
        next_notice(gateway, i, NOTICE_STOP);
    assert_no_letter(gateway, 0);
    assert_true(gateway->broker->is_ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_stream_that_keeps_nothing_makes_room_for_another),
        GATEWAY_TEST(a_stream_that_is_listened_to_makes_no_room),
        GATEWAY_TEST(a_loop_that_is_too_slow_is_told_once),
        GATEWAY_TEST(a_channel_that_nobody_needs_is_not_kept),
        GATEWAY_TEST(an_order_goes_to_all_loops),
        GATEWAY_TEST(commands_of_an_emulated_connection_reach_its_loop),
        GATEWAY_TEST(commands_for_nobody_are_no_error_but_for_another_node_are),
        GATEWAY_TEST(a_connect_needs_no_more_than_its_token),
        GATEWAY_TEST(what_it_does_not_know_is_refused),
        GATEWAY_TEST(a_stop_is_told_to_all_loops_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
