/*
 * What Redis gives back: the first byte says as what it is read. What is taken has only words that
 * exist, can be written and read again as the same, and makes JSON that is JSON.
 */
#include "api/store/cache_value.h"
#include "api/model/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(struct buf *json)
{
    CHECK(json_is_valid(buf_text(json)));
    buf_fini(json);
}

static void try_room(struct text value)
{
    struct buf again = {0}, json = {0};
    struct json_out out = {.buf = &json};
    struct room room, same;

    if (!cache_read_room(value, 7, &room))
        return;
    cache_write_room(&again, &room);
    CHECK(cache_read_room(buf_text(&again), 7, &same));
    CHECK(text_equal(room.name, same.name) && room.kind == same.kind && room.peer_b == same.peer_b);
    buf_fini(&again);
    CHECK(room_kind_name(room.kind)[0] != '\0');
    room_write(&out, &room, 1, 0, NULL);
    check_json(&json);
}

static void try_head(struct text value)
{
    struct buf again = {0}, json = {0};
    struct json_out out = {.buf = &json};
    struct head head, same;

    if (!cache_read_head(value, 7, &head))
        return;
    cache_write_head(&again, &head);
    CHECK(cache_read_head(buf_text(&again), 7, &same));
    CHECK(head.seq == same.seq && head.sender_id == same.sender_id);
    CHECK(text_equal(head.message_bare, same.message_bare));
    buf_fini(&again);
    if (!head.has_message)
        return;
    event_splice_names(&out, head.message_bare, head.sender_id, TEXT("Ada"), TEXT("Bob"));
    check_json(&json);
}

static void try_membership(struct text value)
{
    struct buf again = {0};
    struct membership m, same;

    if (!cache_read_membership(value, 7, 8, &m))
        return;
    CHECK(m.seq >= 0 && m.message_no >= 0 && m.changed_us >= 0);
    CHECK(member_role_name(m.role)[0] != '\0' && notify_level_name(m.notify)[0] != '\0');
    cache_write_membership(&again, &m);
    CHECK(cache_read_membership(buf_text(&again), 7, 8, &same));
    CHECK(m.pinned_us == same.pinned_us && m.role == same.role);
    buf_fini(&again);
}

static void try_user(struct text value)
{
    struct buf again = {0}, json = {0};
    struct json_out out = {.buf = &json};
    struct user user, same;

    if (!cache_read_user(value, 8, &user))
        return;
    cache_write_user(&again, &user);
    CHECK(cache_read_user(buf_text(&again), 8, &same));
    CHECK(text_equal(user.about, same.about) && user.is_bot == same.is_bot);
    buf_fini(&again);
    user_write(&out, &user);
    check_json(&json);
}

static void try_activity(struct text value)
{
    struct buf again = {0};
    struct activity activity, same;

    if (!cache_read_activity(value, &activity))
        return;
    cache_write_activity(&again, &activity);
    CHECK(cache_read_activity(buf_text(&again), &same));
    CHECK(activity.message_no == same.message_no && activity.at_us == same.at_us);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct text) = {try_room, try_head, try_membership, try_user,
                                                  try_activity};

    if (size > 0)
        tries[data[0] % ARRAY_COUNT(tries)](text_of(data + 1, size - 1));
    return 0;
}
