#include "api/model/room.h"

#include <inttypes.h>

#include "base/err.h"

const struct db_statement select_heads = {
    "select_heads",
    "SELECT " ROOM_COLUMNS ", l.seq, l.message_no, l.room_mention_no, " EVENT_COLUMNS
    " FROM unnest($1::bigint[]) AS i (id) JOIN {lane}.rooms r ON r.id = i.id "
    "CROSS JOIN LATERAL (SELECT seq, message_no, room_mention_no FROM {lane}.events WHERE room_id = r.id ORDER BY "
    "seq DESC LIMIT 1) l "
    "LEFT JOIN LATERAL (SELECT * FROM {lane}.events WHERE room_id = r.id AND kind = 'message' "
    "                   ORDER BY seq DESC LIMIT 1) e ON true" EVENT_JOINS};

static const char *const kind_names[] = {"direct", "private", "public"};

const char *room_kind_name(enum room_kind kind)
{
    return kind_names[kind];
}

bool room_kind_from(struct text name, enum room_kind *kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(kind_names); i++)
        if (text_equal(name, text(kind_names[i]))) {
            *kind = (enum room_kind)i;
            return true;
        }
    return false;
}

int room_lane(int64_t room_id)
{
    return (int)(room_id >> 12 & 1023); /* as next_id() of schema/0001 puts it */
}

void room_read(struct room *room, const struct db_rows *rows, int row, int column)
{
    *room = (struct room){
        .id = db_i64(rows, row, column),
        .name = db_text(rows, row, column + 2),
        .slug = db_text(rows, row, column + 3),
        .about = db_text(rows, row, column + 4),
        .created_by = db_i64(rows, row, column + 5),
        .created_us = db_time(rows, row, column + 6),
        .member_count = db_i64(rows, row, column + 7),
        .peer_a = db_i64(rows, row, column + 8),
        .peer_b = db_i64(rows, row, column + 9),
        .version = db_i64(rows, row, column + 10),
        .edition = db_i64(rows, row, column + 11),
        .deleted_us = db_time(rows, row, column + 12),
        .group_id = db_i64(rows, row, column + 13),
        .topic_id = db_i64(rows, row, column + 14),
        .position = db_i64(rows, row, column + 15),
        .is_open_to_group = db_bool(rows, row, column + 16),
    };
    CHECK(room_kind_from(db_text(rows, row, column + 1), &room->kind));
}

void room_write(struct json_out *out, const struct room *room, int64_t last_seq, int64_t message_no,
                const struct user *peer)
{
    json_open(out, '{');
    json_key_id(out, "id", room->id);
    json_key_text(out, "kind", text(room_kind_name(room->kind)));
    json_key_text(out, "name", room->name);
    if (room->slug.len > 0)
        json_key_text(out, "slug", room->slug);
    json_key_text(out, "about", room->about);
    if (room->group_id != 0) {
        json_key_id(out, "group_id", room->group_id);
        json_key_bool(out, "open_to_group", room->is_open_to_group);
    }
    if (room->topic_id != 0)
        json_key_id(out, "topic_id", room->topic_id);
    if (room->position != 0)
        json_key_i64(out, "position", room->position);
    json_key_time(out, "created_at", room->created_us);
    json_key_id(out, "created_by", room->created_by);
    json_key_i64(out, "member_count", room->member_count);
    json_key_i64(out, "last_seq", last_seq);
    json_key_i64(out, "message_no", message_no);
    json_key_i64(out, "version", room->edition);
    if (peer != NULL && peer->id != 0) {
        json_key(out, "peer");
        user_write(out, peer);
    }
    json_close(out, '}');
}

int64_t room_peer_of(const struct room *room, int64_t user_id)
{
    if (room->kind != ROOM_DIRECT)
        return 0;
    return room->peer_a == user_id ? room->peer_b : room->peer_a;
}

void head_read(struct room *room, struct head *head, const struct db_rows *rows, int row,
               struct buf *bytes)
{
    room_read(room, rows, row, 0);
    *head = (struct head){
        .room_id = room->id,
        .seq = db_i64(rows, row, HEAD_SEQ),
        .message_no = db_i64(rows, row, HEAD_MESSAGE_NO),
        .room_mention_no = db_i64(rows, row, HEAD_ROOM_MENTION_NO),
        .activity_us = room->created_us,
    };
    if (db_is_null(rows, row, HEAD_EVENT))
        return;

    struct event event;
    struct json_out out = {.buf = bytes};
    const size_t start = bytes->len;

    event_read(&event, rows, row, HEAD_EVENT);
    event_write_message_bare(&out, &event);
    head->has_message = true;
    head->activity_us = event.created_us;
    head->sender_id = event.sender_id;
    head->replied_name = event.replied.sender_name;
    head->message_bare = text_of(bytes->at + start, bytes->len - start);
}

void room_name_direct(struct buf *out, int64_t a, int64_t b)
{
    buf_printf(out, "direct:%" PRId64 ":%" PRId64, a < b ? a : b, a < b ? b : a);
}
