#include "fake_rows.h"

#include "api/model/room.h"

#define CREATED_US INT64_C(1772357400000000)

/* As next_id() of schema/0001 puts an id together. */
static int64_t make_id(int64_t ms, int64_t lane, int64_t counter)
{
    return ms << 22 | lane << 12 | counter;
}

static void an_id_tells_its_lane_whatever_stands_around_it(void **state)
{
    static const int lanes[] = {0, 1, 2, 511, 512, 1023};

    for (size_t i = 0; i < ARRAY_COUNT(lanes); i++) {
        assert_int_equal(room_lane(make_id(0, lanes[i], 0)), lanes[i]);
        assert_int_equal(room_lane(make_id(1, lanes[i], 4095)), lanes[i]);
        assert_int_equal(room_lane(make_id((INT64_C(1) << 41) - 1, lanes[i], 4095)), lanes[i]);
    }
    assert_int_equal(room_lane(INT64_MAX), 1023);
}

static void each_kind_has_a_name_of_its_own(void **state)
{
    for (int kind = ROOM_DIRECT; kind <= ROOM_PUBLIC; kind++) {
        enum room_kind found;
        assert_true(room_kind_from(text(room_kind_name((enum room_kind)kind)), &found));
        assert_int_equal(found, kind);
    }
}

static void a_name_that_is_nearly_a_kind_is_none(void **state)
{
    static const char *const wrong[] = {"", "Public", "publi", "publicx", "direct ", "left"};
    enum room_kind kind = ROOM_PRIVATE;

    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_false(room_kind_from(text(wrong[i]), &kind));
    assert_int_equal(kind, ROOM_PRIVATE);
}

static void the_peer_of_a_direct_room_is_the_other_one(void **state)
{
    const struct room direct = {.kind = ROOM_DIRECT, .peer_a = 3, .peer_b = 5};
    const struct room closed = {.kind = ROOM_PRIVATE};

    assert_int_equal(room_peer_of(&direct, 3), 5);
    assert_int_equal(room_peer_of(&direct, 5), 3);
    assert_int_equal(room_peer_of(&closed, 3), 0);
}

static void assert_written(const struct room *room, const struct user *peer, const char *expected)
{
    struct buf json = {0};
    struct json_out out = {.buf = &json};

    room_write(&out, room, 9, 4, peer);
    assert_string_equal(buf_cstring(&json), expected);
    buf_fini(&json);
}

static void a_room_shows_a_slug_or_peer_only_if_it_has_one(void **state)
{
    struct room room = {.id = 7,
                        .kind = ROOM_PUBLIC,
                        .name = TEXT("T\"a"),
                        .created_us = CREATED_US,
                        .created_by = 1,
                        .member_count = 2,
                        .version = 7, .edition = 3};
    const struct user bob = {.id = 5, .login = TEXT("bob"), .name = TEXT("Bob"), .version = 1},
                      nobody = {0};
    const char *plain = "{\"id\":\"7\",\"kind\":\"public\",\"name\":\"T\\\"a\",\"about\":\"\","
                        "\"created_at\":\"2026-03-01T09:30:00.000Z\",\"created_by\":\"1\","
                        "\"member_count\":2,\"last_seq\":9,\"message_no\":4,\"version\":3}";

    assert_written(&room, NULL, plain);
    assert_written(&room, &nobody, plain);
    room.slug = TEXT("tea");
    room.kind = ROOM_DIRECT;
    assert_written(
        &room, &bob,
        "{\"id\":\"7\",\"kind\":\"direct\",\"name\":\"T\\\"a\",\"slug\":\"tea\",\"about\":\"\","
        "\"created_at\":\"2026-03-01T09:30:00.000Z\",\"created_by\":\"1\","
        "\"member_count\":2,\"last_seq\":9,\"message_no\":4,\"version\":3,"
        "\"peer\":{\"id\":\"5\",\"login\":\"bob\",\"name\":\"Bob\",\"about\":\"\","
        "\"is_bot\":false,\"version\":1}}");
}

/* ---- heads, from rows of select_heads ---- */

static struct fake_rows rows_of_a_head(void)
{
    struct fake_rows fake = fake_rows(HEAD_EVENT + EVENT_COLUMN_COUNT);

    fake_row(&fake);
    fake_room_columns(&fake, 7, "private", "Tea", CREATED_US);
    fake_i64(&fake, 9);
    fake_i64(&fake, 4);
    fake_i64(&fake, 2);
    return fake;
}

static void without_a_message_the_activity_of_a_room_is_its_creation(void **state)
{
    struct fake_rows fake = rows_of_a_head();
    struct room room;
    struct head head;
    struct buf bytes = {0};

    head_read(&room, &head, &fake.rows, 0, &bytes);
    assert_int_equal(room.id, 7);
    assert_int_equal(room.kind, ROOM_PRIVATE);
    assert_int_equal(room.slug.len, 0);
    assert_int_equal(head.room_id, 7);
    assert_int_equal(head.seq, 9);
    assert_int_equal(head.message_no, 4);
    assert_int_equal(head.room_mention_no, 2);
    assert_false(head.has_message);
    assert_true(head.activity_us == CREATED_US);
    db_rows_fini(&fake.rows);
    buf_fini(&bytes);
}

static void the_last_message_is_the_activity_of_a_room(void **state)
{
    struct fake_rows fake = rows_of_a_head();
    struct room room;
    struct head head;
    struct buf bytes = {0};

    fake_event_columns(&fake, &(struct fake_event){.room_id = 7,
                                                   .seq = 8,
                                                   .kind = "message",
                                                   .sender_id = 2,
                                                   .sender_name = "Bob",
                                                   .message_no = 4,
                                                   .body = "{\"text\":\"hi\"}",
                                                   .created_us = CREATED_US + 1000000});
    buf_add_text(&bytes, TEXT("before"));
    head_read(&room, &head, &fake.rows, 0, &bytes);
    assert_true(head.has_message && head.activity_us == CREATED_US + 1000000);
    assert_int_equal(head.sender_id, 2);
    assert_int_equal(head.seq, 9);
    assert_true(text_equal(head.message_bare,
                           TEXT("{\"room_id\":\"7\",\"seq\":8,\"message_no\":4,\"text\":\"hi\","
                                "\"version\":1,\"created_at\":\"2026-03-01T09:30:01.000Z\"}")));
    assert_true(text_equal(db_text(&fake.rows, 0, HEAD_SENDER_NAME), TEXT("Bob")));
    db_rows_fini(&fake.rows);
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_tells_its_lane_whatever_stands_around_it),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(a_name_that_is_nearly_a_kind_is_none),
        cmocka_unit_test(the_peer_of_a_direct_room_is_the_other_one),
        cmocka_unit_test(a_room_shows_a_slug_or_peer_only_if_it_has_one),
        cmocka_unit_test(without_a_message_the_activity_of_a_room_is_its_creation),
        cmocka_unit_test(the_last_message_is_the_activity_of_a_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
