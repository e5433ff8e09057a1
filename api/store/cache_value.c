#include "api/store/cache_value.h"

#include "base/json.h"
#include "base/utf8.h"

/* The numbers of the first line, all of them decimal and not negative; the rest is what follows its
 * newline. */
static bool read_numbers(struct text value, int64_t *numbers, size_t count, struct text *rest)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t start = at;
        int64_t number = 0;
        for (; at < value.len && value.at[at] >= '0' && value.at[at] <= '9'; at++)
            if (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, value.at[at] - '0', &number))
                return false;
        const char end = i + 1 < count ? ' ' : '\n';
        if (at == start || at == value.len || value.at[at] != end)
            return false;
        at++;
        numbers[i] = number;
    }
    *rest = text_after(value, at);
    return true;
}

static void write_numbers(struct buf *out, const int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_i64(out, numbers[i]);
        buf_add_byte(out, i + 1 < count ? ' ' : '\n');
    }
}

static bool is_text(struct text value)
{
    return utf8_valid(value) && (value.len == 0 || memchr(value.at, '\0', value.len) == NULL);
}

/* Cuts `rest` into `count` texts of the given lengths, which must use it up and be UTF-8 without
 * NUL. */
static bool cut_texts(struct text rest, const int64_t *lengths, struct text **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] > (int64_t)rest.len)
            return false;
        *texts[i] = text_of(rest.at, (size_t)lengths[i]);
        rest = text_after(rest, (size_t)lengths[i]);
        if (!is_text(*texts[i]))
            return false;
    }
    return rest.len == 0;
}

void cache_write_room(struct buf *out, const struct room *room)
{
    const int64_t numbers[] = {room->version,
                               (int64_t)room->kind,
                               room->created_us,
                               room->created_by,
                               room->member_count,
                               room->peer_a,
                               room->peer_b,
                               room->edition,
                               room->deleted_us,
                               room->group_id,
                               room->topic_id,
                               room->position,
                               room->is_open_to_group,
                               (int64_t)room->name.len,
                               (int64_t)room->slug.len,
                               (int64_t)room->about.len};

    write_numbers(out, numbers, ARRAY_COUNT(numbers));
    buf_add_text(out, room->name);
    buf_add_text(out, room->slug);
    buf_add_text(out, room->about);
}

bool cache_read_room(struct text value, int64_t room_id, struct room *room)
{
    int64_t n[16];
    struct text rest;

    if (!read_numbers(value, n, ARRAY_COUNT(n), &rest) || n[1] > ROOM_PUBLIC || n[12] > 1)
        return false;
    *room = (struct room){
        .id = room_id,
        .version = n[0],
        .kind = (enum room_kind)n[1],
        .created_us = n[2],
        .created_by = n[3],
        .member_count = n[4],
        .peer_a = n[5],
        .peer_b = n[6],
        .edition = n[7],
        .deleted_us = n[8],
        .group_id = n[9],
        .topic_id = n[10],
        .position = n[11],
        .is_open_to_group = n[12] == 1,
    };
    return cut_texts(rest, n + 13, (struct text *[]){&room->name, &room->slug, &room->about}, 3);
}

void cache_write_head(struct buf *out, const struct head *head)
{
    const int64_t numbers[] = {head->seq, head->message_no, head->room_mention_no, head->activity_us,
                               head->has_message ? head->sender_id : 0};

    write_numbers(out, numbers, ARRAY_COUNT(numbers));
    if (head->has_message)
        buf_add_text(out, head->message_bare);
}

/* As event_splice_names() takes it apart: one object with members, and nothing around it. */
static bool is_bare_message(struct text value)
{
    return text_starts(value, TEXT("{\"")) && value.at[value.len - 1] == '}' &&
           json_is_valid(value);
}

bool cache_read_head(struct text value, int64_t room_id, struct head *head)
{
    int64_t n[5];
    struct text rest;

    if (!read_numbers(value, n, ARRAY_COUNT(n), &rest))
        return false;
    *head = (struct head){
        .room_id = room_id,
        .seq = n[0],
        .message_no = n[1],
        .room_mention_no = n[2],
        .activity_us = n[3],
        .has_message = rest.len > 0,
        .sender_id = n[4],
        .message_bare = rest,
    };
    if (!head->has_message)
        return head->sender_id == 0; /* else its message was cut off */
    return head->sender_id != 0 && is_bare_message(rest);
}

void cache_write_activity(struct buf *out, const struct activity *activity)
{
    const int64_t numbers[] = {activity->message_no, activity->at_us};

    write_numbers(out, numbers, ARRAY_COUNT(numbers));
}

bool cache_read_activity(struct text value, struct activity *activity)
{
    int64_t n[2];
    struct text rest;

    if (!read_numbers(value, n, ARRAY_COUNT(n), &rest) || rest.len != 0)
        return false;
    *activity = (struct activity){.message_no = n[0], .at_us = n[1]};
    return true;
}

void cache_write_membership(struct buf *out, const struct membership *m)
{
    const int64_t numbers[] = {m->changed_us,      m->seq,      m->message_no,  (int64_t)m->role,
                               (int64_t)m->notify, m->muted_us, m->archived_us, m->pinned_us,
                               m->mentions,        m->room_mention_no};

    write_numbers(out, numbers, ARRAY_COUNT(numbers));
}

bool cache_read_membership(struct text value, int64_t room_id, int64_t user_id,
                           struct membership *membership)
{
    int64_t n[10];
    struct text rest;

    if (!read_numbers(value, n, ARRAY_COUNT(n), &rest) || rest.len != 0 || n[3] > ROLE_LEFT ||
        n[4] > NOTIFY_NONE)
        return false;
    *membership = (struct membership){
        .room_id = room_id,
        .user_id = user_id,
        .changed_us = n[0],
        .seq = n[1],
        .message_no = n[2],
        .role = (enum member_role)n[3],
        .notify = (enum notify_level)n[4],
        .muted_us = n[5],
        .archived_us = n[6],
        .pinned_us = n[7],
        .mentions = n[8],
        .room_mention_no = n[9],
    };
    return true;
}

void cache_write_user(struct buf *out, const struct user *user)
{
    const int64_t numbers[] = {user->version, user->is_bot, (int64_t)user->login.len,
                               (int64_t)user->name.len, (int64_t)user->about.len};

    write_numbers(out, numbers, ARRAY_COUNT(numbers));
    buf_add_text(out, user->login);
    buf_add_text(out, user->name);
    buf_add_text(out, user->about);
}

bool cache_read_user(struct text value, int64_t user_id, struct user *user)
{
    int64_t n[5];
    struct text rest;

    if (!read_numbers(value, n, ARRAY_COUNT(n), &rest) || n[1] > 1)
        return false;
    *user = (struct user){.id = user_id, .version = n[0], .is_bot = n[1] == 1};
    return cut_texts(rest, n + 2, (struct text *[]){&user->login, &user->name, &user->about}, 3);
}
