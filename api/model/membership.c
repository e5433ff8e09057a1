#include "api/model/membership.h"

#include "base/base.h"

static const char *const role_names[] = {"owner", "admin", "moderator", "member", "left"};
static const char *const notify_names[] = {"all", "mentions", "none"};

const char *member_role_name(enum member_role role)
{
    return role_names[role];
}

const char *notify_level_name(enum notify_level level)
{
    return notify_names[level];
}

bool member_role_from(struct text name, enum member_role *role)
{
    for (size_t i = 0; i < ARRAY_COUNT(role_names); i++)
        if (text_equal(name, text(role_names[i]))) {
            *role = (enum member_role)i;
            return true;
        }
    return false;
}

bool notify_level_from(struct text name, enum notify_level *level)
{
    for (size_t i = 0; i < ARRAY_COUNT(notify_names); i++)
        if (text_equal(name, text(notify_names[i]))) {
            *level = (enum notify_level)i;
            return true;
        }
    return false;
}

void membership_read(struct membership *membership, const struct db_rows *rows, int row, int column)
{
    *membership = (struct membership){
        .room_id = db_i64(rows, row, column),
        .user_id = db_i64(rows, row, column + 1),
        .seq = db_i64(rows, row, column + 3),
        .message_no = db_i64(rows, row, column + 4),
        .changed_us = db_time(rows, row, column + 5),
        .muted_us = db_time(rows, row, column + 7),
        .archived_us = db_time(rows, row, column + 8),
        .pinned_us = db_time(rows, row, column + 9),
        .silent_us = db_time(rows, row, column + 10),
        .joined_us = db_time(rows, row, column + 11),
        .mentions = db_i64(rows, row, column + 12),
        .room_mention_no = db_i64(rows, row, column + 13),
    };
    CHECK(member_role_from(db_text(rows, row, column + 2), &membership->role));
    CHECK(notify_level_from(db_text(rows, row, column + 6), &membership->notify));
}

int64_t membership_unread(const struct membership *membership, int64_t room_message_no)
{
    return room_message_no > membership->message_no ? room_message_no - membership->message_no : 0;
}

int64_t membership_mentions(const struct membership *membership, int64_t room_message_no, int64_t room_mention_no)
{
    const int64_t unread = membership_unread(membership, room_message_no);
    const int64_t of_room = room_mention_no > membership->room_mention_no ? room_mention_no - membership->room_mention_no : 0;

    return membership->mentions + of_room < unread ? membership->mentions + of_room : unread;
}

void membership_write_view(struct json_out *out, const struct membership *membership)
{
    json_key(out, "notify");
    json_open(out, '{');
    json_key_text(out, "level", text(notify_level_name(membership->notify)));
    if (membership->muted_us != 0)
        json_key_time(out, "muted_until", membership->muted_us);
    json_close(out, '}');
    json_key_bool(out, "archived", membership->archived_us != 0);
    json_key_bool(out, "pinned", membership->pinned_us != 0);
}
