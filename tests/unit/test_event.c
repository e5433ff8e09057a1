#include "fake_rows.h"

#include "api/model/event.h"

#define HALF_PAST_NINE INT64_C(1772357400000000) /* of 1 March 2026 */

static const struct event said = {
    .room_id = 7,
    .seq = 4,
    .kind = EVENT_MESSAGE,
    .sender_id = 8,
    .sender_name = {"Ada", 3},
    .message_no = 1,
    .body = {"{\"nonce\":\"n1\",\"text\":\"tea\"}", 27},
    .created_us = HALF_PAST_NINE,
    .version = 1,
};

/* What `write` makes of an event must be these bytes, and JSON. */
static void assert_written(void (*write)(struct json_out *, const struct event *),
                           const struct event *event, const char *expected)
{
    struct buf json = {0};
    struct json_out out = {.buf = &json};

    write(&out, event);
    assert_string_equal(buf_cstring(&json), expected);
    assert_true(json_is_valid(buf_text(&json)));
    buf_fini(&json);
}

static void a_message_has_its_sender_its_numbers_and_what_was_sent(void **state)
{
    assert_written(event_write_message, &said,
                   "{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},\"room_id\":\"7\",\"seq\":4,"
                   "\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\",\"version\":1,"
                   "\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void an_edited_message_tells_when(void **state)
{
    struct event event = said;

    event.edited_us = HALF_PAST_NINE + 1500000;
    event.version = 2;
    assert_written(
        event_write_message_bare, &event,
        "{\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\","
        "\"version\":2,\"created_at\":\"2026-03-01T09:30:00.000Z\","
        "\"edited_at\":\"2026-03-01T09:30:01.500Z\"}");
}

static void a_deleted_message_keeps_its_numbers(void **state)
{
    struct event event = said;

    event.body = TEXT("{}");
    event.deleted_us = HALF_PAST_NINE;
    event.replied = (struct replied){.seq = 3, .sender_id = 9, .sender_name = TEXT("Bob"), .excerpt = TEXT("milk?")};
    assert_written(event_write_message_bare, &event,
                   "{\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"version\":1,"
                   "\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"deleted_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void a_reply_shows_what_it_answers_but_of_a_deleted_message_no_text(void **state)
{
    struct event event = said;

    event.replied = (struct replied){.seq = 3, .sender_id = 9, .sender_name = TEXT("Bob"), .excerpt = TEXT("milk?")};
    assert_written(event_write_message, &event,
                   "{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},"
                   "\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\","
                   "\"reply_to\":{\"seq\":3,\"sender\":{\"id\":\"9\",\"name\":\"Bob\"},\"excerpt\":\"milk?\"},"
                   "\"version\":1,\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
    event.replied.excerpt = text(NULL);
    assert_written(event_write_message, &event,
                   "{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},"
                   "\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\","
                   "\"reply_to\":{\"seq\":3,\"sender\":{\"id\":\"9\",\"name\":\"Bob\"}},"
                   "\"version\":1,\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void a_message_shows_its_reactions(void **state)
{
    struct event event = said;

    event.reactions = TEXT("[{\"emoji\":\"+\",\"count\":2}]");
    assert_written(event_write_message_bare, &event,
                   "{\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\","
                   "\"reactions\":[{\"emoji\":\"+\",\"count\":2}],"
                   "\"version\":1,\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void a_message_event_carries_the_message(void **state)
{
    assert_written(event_write, &said,
                   "{\"room_id\":\"7\",\"seq\":4,\"kind\":\"message\",\"sender\":{\"id\":\"8\","
                   "\"name\":\"Ada\"},\"message_no\":1,\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"message\":{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},\"room_id\":\"7\","
                   "\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\",\"version\":1,"
                   "\"created_at\":\"2026-03-01T09:30:00.000Z\"}}");
}

static void a_room_event_carries_the_room_as_it_was_made(void **state)
{
    const struct event event = {.room_id = 7,
                                .seq = 1,
                                .kind = EVENT_ROOM,
                                .sender_id = 8,
                                .body = TEXT("{\"id\":\"7\",\"kind\":\"public\"}"),
                                .created_us = HALF_PAST_NINE};
    assert_written(event_write, &event,
                   "{\"room_id\":\"7\",\"seq\":1,\"kind\":\"room\",\"sender\":{\"id\":\"8\","
                   "\"name\":\"\"},\"message_no\":0,\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"room\":{\"id\":\"7\",\"kind\":\"public\"}}");
}

static void a_member_event_carries_whom_it_is_about(void **state)
{
    struct event event = {
        .room_id = 7,
        .seq = 3,
        .kind = EVENT_JOIN,
        .sender_id = 8,
        .sender_name = TEXT("Ada"),
        .body = TEXT("{\"role\" : \"member\"}"),
        .created_us = HALF_PAST_NINE,
        .subject = {.id = 9, .login = TEXT("bob"), .name = TEXT("B\"b"), .version = 2}};
    assert_written(event_write, &event,
                   "{\"room_id\":\"7\",\"seq\":3,\"kind\":\"join\",\"sender\":{\"id\":\"8\","
                   "\"name\":\"Ada\"},\"message_no\":0,\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"member\":{\"user\":{\"id\":\"9\",\"login\":\"bob\",\"name\":\"B\\\"b\","
                   "\"about\":\"\",\"is_bot\":false,\"version\":2},\"role\" : \"member\"}}");
    event.kind = EVENT_KICK;
    event.body = TEXT("{}");
    assert_written(event_write, &event,
                   "{\"room_id\":\"7\",\"seq\":3,\"kind\":\"kick\",\"sender\":{\"id\":\"8\","
                   "\"name\":\"Ada\"},\"message_no\":0,\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"member\":{\"user\":{\"id\":\"9\",\"login\":\"bob\",\"name\":\"B\\\"b\","
                   "\"about\":\"\",\"is_bot\":false,\"version\":2}}}");
}

static void an_event_about_another_names_its_seq(void **state)
{
    const struct event event = {.room_id = 7,
                                .seq = 5,
                                .kind = EVENT_UNPIN,
                                .sender_id = 8,
                                .target_seq = 4,
                                .body = TEXT("{}"),
                                .created_us = HALF_PAST_NINE};
    assert_written(event_write, &event,
                   "{\"room_id\":\"7\",\"seq\":5,\"kind\":\"unpin\",\"sender\":{\"id\":\"8\","
                   "\"name\":\"\"},\"target_seq\":4,\"message_no\":0,"
                   "\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void an_edit_carries_the_message_as_it_is_now(void **state)
{
    const struct event event = {.room_id = 7,
                                .seq = 5,
                                .kind = EVENT_EDIT,
                                .sender_id = 8,
                                .sender_name = TEXT("Ada"),
                                .target_seq = 4,
                                .message_no = 6,
                                .body = TEXT("{}"),
                                .created_us = HALF_PAST_NINE,
                                .target = {.sender_id = 8,
                                           .sender_name = TEXT("Ada"),
                                           .message_no = 1,
                                           .body = TEXT("{\"text\":\"milk\"}"),
                                           .created_us = HALF_PAST_NINE - 1000000,
                                           .edited_us = HALF_PAST_NINE,
                                           .version = 2}};
    assert_written(event_write, &event,
                   "{\"room_id\":\"7\",\"seq\":5,\"kind\":\"edit\",\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},"
                   "\"target_seq\":4,\"message_no\":6,\"created_at\":\"2026-03-01T09:30:00.000Z\","
                   "\"message\":{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},\"room_id\":\"7\",\"seq\":4,"
                   "\"message_no\":1,\"text\":\"milk\",\"version\":2,\"created_at\":\"2026-03-01T09:29:59.000Z\","
                   "\"edited_at\":\"2026-03-01T09:30:00.000Z\"}}");
}

static void an_empty_body_leaves_no_comma_however_it_is_spaced(void **state)
{
    static const char *const empty[] = {"{}", "{ }", " {} ", "{\n}", "{\t\r\n }", "\n{}\n", ""};
    struct event event = said;

    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        event.body = text(empty[i]);
        assert_written(event_write_message_bare, &event,
                       "{\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"version\":1,"
                       "\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
    }
}

static void a_body_is_put_in_whatever_is_around_its_braces(void **state)
{
    struct event event = said;

    event.body = TEXT(" {\"text\" : \"{}\"}\n");
    assert_written(event_write_message_bare, &event,
                   "{\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"text\" : \"{}\",\"version\":1,"
                   "\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
}

static void a_sender_put_into_a_bare_message_makes_the_whole_one(void **state)
{
    struct buf bare = {0}, whole = {0}, spliced = {0};
    struct json_out out = {.buf = &bare};

    event_write_message_bare(&out, &said);
    out = (struct json_out){.buf = &whole};
    event_write_message(&out, &said);
    out = (struct json_out){.buf = &spliced};
    event_splice_names(&out, buf_text(&bare), said.sender_id, said.sender_name, text(NULL));
    assert_string_equal(buf_cstring(&spliced), buf_cstring(&whole));
    buf_fini(&bare);
    buf_fini(&whole);
    buf_fini(&spliced);
}

static void a_bare_reply_has_no_names_until_they_are_put_in(void **state)
{
    static const char *const others[] = {
        "{}", "{\"reply_to\":{\"sender\":{\"id\":\"", "{\"reply_to\":{\"sender\":{\"id\":\"9\"", "{\"reply_to\":{\"sender\":{\"id\":\"x\"}}}",
        "{\"reply_to\":{\"sender\":{\"id\":\"9\",\"name\":\"Bob\"}}}"};
    struct buf bare = {0}, spliced = {0};
    struct json_out out = {.buf = &bare};
    struct event event = said;

    event.replied = (struct replied){.seq = 3, .sender_id = 9, .sender_name = TEXT("Bob"), .excerpt = TEXT("milk?")};
    event_write_message_bare(&out, &event);
    assert_null(strstr(buf_cstring(&bare), "Bob"));
    assert_int_equal(event_bare_replied(buf_text(&bare)), 9);
    out = (struct json_out){.buf = &spliced};
    event_splice_names(&out, buf_text(&bare), 8, TEXT("Ada"), TEXT("Robert"));
    assert_string_equal(buf_cstring(&spliced),
                        "{\"sender\":{\"id\":\"8\",\"name\":\"Ada\"},"
                        "\"reply_to\":{\"sender\":{\"id\":\"9\",\"name\":\"Robert\"},\"seq\":3,\"excerpt\":\"milk?\"},"
                        "\"room_id\":\"7\",\"seq\":4,\"message_no\":1,\"nonce\":\"n1\",\"text\":\"tea\","
                        "\"version\":1,\"created_at\":\"2026-03-01T09:30:00.000Z\"}");
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        assert_int_equal(event_bare_replied(text(others[i])), 0);
    buf_fini(&bare);
    buf_fini(&spliced);
}

static void joins_add_and_leaving_in_any_way_removes(void **state)
{
    for (int kind = EVENT_ROOM; kind <= EVENT_ROLE; kind++) {
        assert_int_equal(event_adds((enum event_kind)kind), kind == EVENT_JOIN);
        assert_int_equal(event_removes((enum event_kind)kind),
                         kind == EVENT_LEAVE || kind == EVENT_KICK || kind == EVENT_BAN);
    }
}

static void a_row_of_the_log_is_read_by_its_columns(void **state)
{
    struct fake_rows fake = fake_rows(1 + EVENT_COLUMN_COUNT);
    struct event event;

    fake_row(&fake);
    fake_i64(&fake, 99); /* not of the event */
    fake_event_columns(&fake, &(struct fake_event){.room_id = 7,
                                                   .seq = 3,
                                                   .kind = "leave",
                                                   .sender_id = 8,
                                                   .sender_name = "Ada",
                                                   .message_no = 12,
                                                   .body = "{}",
                                                   .created_us = HALF_PAST_NINE,
                                                   .deleted_us = HALF_PAST_NINE + 1,
                                                   .subject_id = 9,
                                                   .subject_login = "bob"});
    event_read(&event, &fake.rows, 0, 1);
    assert_int_equal(event.room_id, 7);
    assert_int_equal(event.seq, 3);
    assert_int_equal(event.kind, EVENT_LEAVE);
    assert_int_equal(event.sender_id, 8);
    assert_true(text_equal(event.sender_name, TEXT("Ada")));
    assert_int_equal(event.target_seq, 0);
    assert_int_equal(event.message_no, 12);
    assert_true(text_equal(event.body, TEXT("{}")));
    assert_true(event.created_us == HALF_PAST_NINE && event.edited_us == 0);
    assert_true(event.deleted_us == HALF_PAST_NINE + 1);
    assert_int_equal(event.version, 1);
    assert_int_equal(event.subject.id, 9);
    assert_true(text_equal(event.subject.login, TEXT("bob")));
    db_rows_fini(&fake.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_its_sender_its_numbers_and_what_was_sent),
        cmocka_unit_test(an_edited_message_tells_when),
        cmocka_unit_test(a_deleted_message_keeps_its_numbers),
        cmocka_unit_test(a_reply_shows_what_it_answers_but_of_a_deleted_message_no_text),
        cmocka_unit_test(a_message_shows_its_reactions),
        cmocka_unit_test(a_message_event_carries_the_message),
        cmocka_unit_test(a_room_event_carries_the_room_as_it_was_made),
        cmocka_unit_test(a_member_event_carries_whom_it_is_about),
        cmocka_unit_test(an_event_about_another_names_its_seq),
        cmocka_unit_test(an_edit_carries_the_message_as_it_is_now),
        cmocka_unit_test(an_empty_body_leaves_no_comma_however_it_is_spaced),
        cmocka_unit_test(a_body_is_put_in_whatever_is_around_its_braces),
        cmocka_unit_test(a_sender_put_into_a_bare_message_makes_the_whole_one),
        cmocka_unit_test(a_bare_reply_has_no_names_until_they_are_put_in),
        cmocka_unit_test(joins_add_and_leaving_in_any_way_removes),
        cmocka_unit_test(a_row_of_the_log_is_read_by_its_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
