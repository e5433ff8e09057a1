#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/log/announce.h"

#define HALF_PAST_NINE INT64_C(1772357400000000) /* of 1 March 2026 */
#define MANY           1000 /* so many that bytes and lists move several times */

static int setup(void **state)
{
    *state = announcer_create();
    return 0;
}

static int teardown(void **state)
{
    announcer_destroy(*state);
    return 0;
}

static void assert_bytes(ProtobufCBinaryData bytes, const char *expected)
{
    assert_int_equal(bytes.len, strlen(expected));
    if (bytes.len > 0)
        assert_memory_equal(bytes.data, expected, bytes.len);
}

static void assert_json(ProtobufCBinaryData bytes)
{
    assert_true(json_is_valid(wire_text(bytes)));
}

/* The only item; a publication. */
static const Bus__Publication *only_publication(struct announcer *announcer)
{
    size_t count;
    Bus__Item **items = announce_items(announcer, &count);

    assert_int_equal(count, 1);
    assert_int_equal(items[0]->what_case, BUS__ITEM__WHAT_PUBLICATION);
    return items[0]->publication;
}

static struct event message(int64_t seq)
{
    return (struct event){.room_id = 7,
                          .seq = seq,
                          .kind = EVENT_MESSAGE,
                          .sender_id = 8,
                          .sender_name = TEXT("Ada"),
                          .message_no = seq - 3,
                          .body = TEXT("{\"text\":\"tea\"}"),
                          .created_us = HALF_PAST_NINE,
                          .version = 1};
}

static struct event change(enum event_kind kind, int64_t subject_id)
{
    return (struct event){.room_id = 7,
                          .seq = 4,
                          .kind = kind,
                          .sender_id = 8,
                          .body = TEXT("{}"),
                          .created_us = HALF_PAST_NINE,
                          .subject = {.id = subject_id, .login = TEXT("bob")}};
}

/* ---- rooms ---- */

static void a_message_goes_to_its_room_at_its_seq_with_its_line(void **state)
{
    const struct event event = message(5);

    announce_event(*state, &event, TEXT("word-1"), NULL, text(NULL));
    const Bus__Publication *publication = only_publication(*state);
    assert_bytes(publication->channel, "room:7");
    assert_int_equal(publication->offset, 5);
    assert_bytes(publication->epoch, "word-1");
    assert_json(publication->data);
    assert_bytes(publication->summary,
                 "{\"type\":\"chat\",\"room_id\":\"7\",\"last_seq\":5,\"message_no\":2,"
                 "\"last_message\":{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},\"room_id\":\"7\","
                 "\"seq\":5,\"message_no\":2,\"text\":\"tea\",\"version\":1,"
                 "\"created_at\":\"2026-03-01T09:30:00.000Z\"}}");
    assert_int_equal(publication->n_adds + publication->n_removes, 0);
}

static void a_change_of_members_says_whom_it_adds_or_removes(void **state)
{
    static const struct {
        enum event_kind kind;
        size_t adds, removes;
    } cases[] = {{EVENT_JOIN, 1, 0}, {EVENT_LEAVE, 0, 1}, {EVENT_KICK, 0, 1},
                 {EVENT_BAN, 0, 1},  {EVENT_UNBAN, 0, 0}, {EVENT_ROLE, 0, 0}};
    struct announcer *announcer = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct event event = change(cases[i].kind, INT64_MAX);
        announce_event(announcer, &event, TEXT("e"), NULL, text(NULL));
        const Bus__Publication *publication = only_publication(announcer);
        assert_int_equal(publication->n_adds, cases[i].adds);
        assert_int_equal(publication->n_removes, cases[i].removes);
        if (publication->n_adds > 0)
            assert_bytes(publication->adds[0], "9223372036854775807");
        if (publication->n_removes > 0)
            assert_bytes(publication->removes[0], "9223372036854775807");
        announce_reset(announcer);
    }
}

static void a_change_without_a_head_has_no_line(void **state)
{
    const struct event event = change(EVENT_JOIN, 9);

    announce_event(*state, &event, TEXT("e"), NULL, text(NULL));
    assert_int_equal(only_publication(*state)->summary.len, 0);
}

static void the_line_of_a_change_shows_the_heads_last_message(void **state)
{
    const struct event event = change(EVENT_JOIN, 9);
    struct head head = {.room_id = 7, .seq = 4};

    announce_event(*state, &event, TEXT("e"), &head, text(NULL));
    assert_bytes(only_publication(*state)->summary,
                 "{\"type\":\"chat\",\"room_id\":\"7\",\"last_seq\":4,\"message_no\":0}");
    announce_reset(*state);

    head.has_message = true;
    head.sender_id = 5;
    head.message_bare = TEXT("{\"seq\":3}");
    announce_event(*state, &event, TEXT("e"), &head, TEXT("Eve"));
    assert_bytes(only_publication(*state)->summary,
                 "{\"type\":\"chat\",\"room_id\":\"7\",\"last_seq\":4,\"message_no\":0,"
                 "\"last_message\":{\"sender\":{\"id\":\"5\",\"name\":\"Eve\"},\"seq\":3}}");
}

static void a_new_public_room_is_told_to_those_who_look_for_rooms(void **state)
{
    const struct room room = {.id = 7, .kind = ROOM_PUBLIC, .name = TEXT("Tea"), .version = 1};
    const struct head head = {.room_id = 7, .seq = 2};

    announce_public_room(*state, TEXT("room_created"), &room, &head);
    const Bus__Publication *publication = only_publication(*state);
    assert_bytes(publication->channel, "public:rooms");
    assert_int_equal(publication->offset, 0);
    assert_json(publication->data);
    assert_true(text_starts(wire_text(publication->data),
                            TEXT("{\"type\":\"room_created\",\"room\":{\"id\":\"7\",")));
}

static void whom_a_message_mentions_goes_beside_its_line(void **state)
{
    struct event event = message(5), other = message(6);

    event.body = TEXT("{\"text\":\"tea\",\"mentions\":[\"9\",\"12\"],\"mentions_room\":true}");
    other.body = TEXT("{\"text\":\"say \\\"mentions\\\":[\\\"7\\\"]\"}");
    announce_event(*state, &event, TEXT("e"), NULL, text(NULL));
    announce_event(*state, &other, TEXT("e"), NULL, text(NULL));
    size_t count;
    Bus__Item **items = announce_items(*state, &count);
    assert_int_equal(count, 2);
    const Bus__Publication *first = items[0]->publication, *second = items[1]->publication;
    assert_int_equal(first->n_mentions, 2);
    assert_bytes(first->mentions[0], "9");
    assert_bytes(first->mentions[1], "12");
    assert_true(first->mentions_room);
    assert_int_equal(second->n_mentions, 0);
    assert_false(second->mentions_room);
}

/* ---- people ---- */

static void a_cursor_goes_to_its_owner_with_what_is_unread(void **state)
{
    const struct membership membership = {
        .room_id = 7, .user_id = 9, .seq = 40, .message_no = 30, .changed_us = HALF_PAST_NINE,
        .mentions = 1, .room_mention_no = 2};

    announce_cursor(*state, &membership, 35, 4);
    const Bus__Publication *publication = only_publication(*state);
    assert_bytes(publication->channel, "user:9");
    assert_bytes(publication->data,
                 "{\"type\":\"cursor\",\"room_id\":\"7\",\"cursor\":{\"seq\":40,\"message_no\":30},"
                 "\"unread\":5,\"mentions\":3,\"changed_at\":\"2026-03-01T09:30:00.000000Z\"}");
}

static void who_is_added_or_removed_hears_of_it_and_why(void **state)
{
    const struct event join = change(EVENT_JOIN, 9), kick = change(EVENT_KICK, 9);

    announce_membership(*state, &join, HALF_PAST_NINE);
    assert_bytes(only_publication(*state)->channel, "user:9");
    assert_bytes(only_publication(*state)->data,
                 "{\"type\":\"room_added\",\"room_id\":\"7\",\"reason\":\"join\","
                 "\"changed_at\":\"2026-03-01T09:30:00.000000Z\"}");
    announce_reset(*state);
    announce_membership(*state, &kick, HALF_PAST_NINE);
    assert_bytes(only_publication(*state)->data,
                 "{\"type\":\"room_removed\",\"room_id\":\"7\",\"reason\":\"kick\","
                 "\"changed_at\":\"2026-03-01T09:30:00.000000Z\"}");
}

static void the_end_of_one_session_or_of_all_is_a_control(void **state)
{
    size_t count;

    announce_session_ended(*state, 8, 9, 12);
    announce_session_ended(*state, 8, 0, 13);
    Bus__Item **items = announce_items(*state, &count);
    assert_int_equal(count, 2);
    assert_int_equal(items[0]->what_case, BUS__ITEM__WHAT_CONTROL);
    assert_int_equal(items[0]->control->kind, BUS__CONTROL__KIND__DISCONNECT);
    assert_int_equal(items[0]->control->code, 3500);
    assert_int_equal(items[0]->control->ended_number, 12);
    assert_bytes(items[0]->control->user, "8");
    assert_bytes(items[0]->control->session, "9");
    assert_bytes(items[0]->control->reason, "session ended");
    assert_bytes(items[1]->control->session, "");
}

static void who_looks_and_who_no_longer_does_is_a_join_and_a_leave(void **state)
{
    size_t count;

    announce_presence(*state, true, TEXT("live:7"), TEXT("8"), TEXT("c1"), TEXT("{}"), TEXT("{}"));
    announce_presence(*state, false, TEXT("live:7"), TEXT("8"), TEXT("c1"), text(NULL), text(NULL));
    Bus__Item **items = announce_items(*state, &count);
    assert_int_equal(count, 2);
    assert_int_equal(items[0]->what_case, BUS__ITEM__WHAT_JOIN);
    assert_bytes(items[0]->join->channel, "live:7");
    assert_bytes(items[0]->join->info, "{}");
    assert_int_equal(items[1]->what_case, BUS__ITEM__WHAT_LEAVE);
    assert_bytes(items[1]->leave->user, "8");
    assert_bytes(items[1]->leave->client, "c1");
    assert_bytes(items[1]->leave->info, "");
}

/* ---- many ---- */

static void what_is_gathered_keeps_its_order_and_its_bytes_while_it_grows(void **state)
{
    struct announcer *announcer = *state;
    size_t count;

    for (int64_t i = 0; i < MANY; i++) {
        const struct event join = change(EVENT_JOIN, i + 1), said = message(i + 4);
        announce_event(announcer, i % 2 == 0 ? &join : &said, TEXT("e"), NULL, text(NULL));
        announce_to_user(announcer, i + 1, TEXT("{\"type\":\"notice\"}"));
    }
    Bus__Item **items = announce_items(announcer, &count);
    assert_int_equal(count, 2 * MANY);
    for (int64_t i = 0; i < MANY; i++) {
        const Bus__Publication *event = items[2 * i]->publication;
        const Bus__Publication *notice = items[2 * i + 1]->publication;
        char expected[32];

        assert_bytes(event->channel, "room:7");
        assert_int_equal(event->offset, i % 2 == 0 ? 4 : i + 4);
        assert_json(event->data);
        assert_int_equal(event->n_adds, i % 2 == 0);
        snprintf(expected, sizeof(expected), "%lld", (long long)i + 1);
        if (i % 2 == 0)
            assert_bytes(event->adds[0], expected);
        snprintf(expected, sizeof(expected), "user:%lld", (long long)i + 1);
        assert_bytes(notice->channel, expected);
        assert_bytes(notice->data, "{\"type\":\"notice\"}");
    }
}

static void items_can_be_looked_at_and_added_to_by_turns(void **state)
{
    const struct event first = message(4), second = message(5);
    size_t count;

    announce_event(*state, &first, TEXT("e"), NULL, text(NULL));
    (void)only_publication(*state);
    announce_event(*state, &second, TEXT("e"), NULL, text(NULL));
    Bus__Item **items = announce_items(*state, &count);
    assert_int_equal(count, 2);
    assert_int_equal(items[0]->publication->offset, 4);
    assert_int_equal(items[1]->publication->offset, 5);
    assert_json(items[0]->publication->data);
}

static void nothing_is_left_after_a_reset(void **state)
{
    const struct event join = change(EVENT_JOIN, 9), said = message(5);
    size_t count;

    announce_event(*state, &join, TEXT("e"), NULL, text(NULL));
    announce_reset(*state);
    (void)announce_items(*state, &count);
    assert_int_equal(count, 0);
    announce_event(*state, &said, TEXT("e"), NULL, text(NULL));
    assert_int_equal(only_publication(*state)->n_adds, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_goes_to_its_room_at_its_seq_with_its_line),
        TEST(whom_a_message_mentions_goes_beside_its_line),
        TEST(a_change_of_members_says_whom_it_adds_or_removes),
        TEST(a_change_without_a_head_has_no_line),
        TEST(the_line_of_a_change_shows_the_heads_last_message),
        TEST(a_new_public_room_is_told_to_those_who_look_for_rooms),
        TEST(a_cursor_goes_to_its_owner_with_what_is_unread),
        TEST(who_is_added_or_removed_hears_of_it_and_why),
        TEST(the_end_of_one_session_or_of_all_is_a_control),
        TEST(who_looks_and_who_no_longer_does_is_a_join_and_a_leave),
        TEST(what_is_gathered_keeps_its_order_and_its_bytes_while_it_grows),
        TEST(items_can_be_looked_at_and_added_to_by_turns),
        TEST(nothing_is_left_after_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
