#include "api/model/event.h"

#include "api/model/mine.h"
#include "base/err.h"
#include "base/id.h"

static const char *const kind_names[] = {"room", "message", "edit", "delete", "reaction",
                                         "pin",  "unpin",   "join", "leave",  "kick",
                                         "ban",  "unban",   "role"};

const char *event_kind_name(enum event_kind kind)
{
    return kind_names[kind];
}

static enum event_kind kind_from(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(kind_names); i++)
        if (text_equal(name, text(kind_names[i])))
            return (enum event_kind)i;
    CHECK(!"an event kind that this version does not know");
}

bool event_adds(enum event_kind kind)
{
    return kind == EVENT_JOIN;
}

bool event_removes(enum event_kind kind)
{
    return kind == EVENT_LEAVE || kind == EVENT_KICK || kind == EVENT_BAN;
}

bool event_revises(enum event_kind kind)
{
    return kind == EVENT_EDIT || kind == EVENT_DELETE;
}

bool event_closes(const struct event *event)
{
    struct json json;

    if (event->kind != EVENT_ROOM)
        return false;
    const bool is_closed = json_parse(&json, event->body) == ERR_OK && json_kind(json_get(json_root(&json), "deleted_at")) == JSON_STRING;
    json_fini(&json);
    return is_closed;
}

static void read_target(struct event *event, const struct db_rows *rows, int row, int column)
{
    event->target.sender_id = db_i64(rows, row, column);
    event->target.sender_name = db_text(rows, row, column + 1);
    event->target.message_no = db_i64(rows, row, column + 2);
    event->target.body = db_text(rows, row, column + 3);
    event->target.created_us = db_time(rows, row, column + 4);
    event->target.edited_us = db_time(rows, row, column + 5);
    event->target.deleted_us = db_time(rows, row, column + 6);
    event->target.version = db_i64(rows, row, column + 7);
    event->target.reactions = db_text(rows, row, column + 8);
}

void event_read(struct event *event, const struct db_rows *rows, int row, int column)
{
    *event = (struct event){
        .room_id = db_i64(rows, row, column),
        .seq = db_i64(rows, row, column + 1),
        .kind = kind_from(db_text(rows, row, column + 2)),
        .sender_id = db_i64(rows, row, column + 3),
        .sender_name = db_text(rows, row, column + 4),
        .target_seq = db_i64(rows, row, column + 5),
        .message_no = db_i64(rows, row, column + 6),
        .body = db_text(rows, row, column + 7),
        .created_us = db_time(rows, row, column + 8),
        .edited_us = db_time(rows, row, column + 9),
        .deleted_us = db_time(rows, row, column + 10),
        .version = db_i64(rows, row, column + 11),
    };
    user_read(&event->subject, rows, row, column + 12);
    column += 12 + USER_COLUMN_COUNT;
    event->reactions = db_text(rows, row, column);
    event->replied = (struct replied){
        .seq = db_i64(rows, row, column + 1),
        .sender_id = db_i64(rows, row, column + 2),
        .sender_name = db_text(rows, row, column + 3),
        .excerpt = db_text(rows, row, column + 4),
    };
    if (db_is_null(rows, row, column + 4))
        event->replied.excerpt = text(NULL);
    read_target(event, rows, row, column + 5);
}

struct event event_message(const struct event *event)
{
    if (event->kind == EVENT_MESSAGE)
        return *event;
    return (struct event){
        .room_id = event->room_id,
        .seq = event->target_seq,
        .kind = EVENT_MESSAGE,
        .sender_id = event->target.sender_id,
        .sender_name = event->target.sender_name,
        .message_no = event->target.message_no,
        .body = event->target.body,
        .created_us = event->target.created_us,
        .edited_us = event->target.edited_us,
        .deleted_us = event->target.deleted_us,
        .version = event->target.version,
        .reactions = event->target.reactions,
        .replied = event->replied,
    };
}

size_t event_text_bytes(const struct event *event)
{
    return event->body.len + event->target.body.len;
}

static bool is_blank(struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (memchr(" \t\r\n", value.at[i], 4) == NULL)
            return false;
    return true;
}

/* The members of the stored body, without its braces, into the object that is open. */
static void splice_body(struct json_out *out, struct text body)
{
    size_t from = 0, to = body.len;

    while (from < to && body.at[from] != '{')
        from++;
    while (to > from && body.at[to - 1] != '}')
        to--;
    if (to - from < 2)
        return;
    const struct text members = text_of(body.at + from + 1, to - from - 2);
    if (!is_blank(members))
        json_raw_value(out, members);
}

static void write_replied(struct json_out *out, const struct replied *replied)
{
    json_key(out, "reply_to");
    json_open(out, '{');
    json_key_i64(out, "seq", replied->seq);
    json_key(out, "sender");
    user_write_sender(out, replied->sender_id, replied->sender_name);
    if (replied->excerpt.at != NULL)
        json_key_text(out, "excerpt", replied->excerpt);
    json_close(out, '}');
}

/* At the beginning of a bare message, so that event_splice_names() finds it. */
#define BARE_REPLY "{\"reply_to\":{\"sender\":{\"id\":\""

static void write_bare_replied(struct json_out *out, const struct replied *replied)
{
    json_key(out, "reply_to");
    json_open(out, '{');
    json_key(out, "sender");
    json_open(out, '{');
    json_key_id(out, "id", replied->sender_id);
    json_close(out, '}');
    json_key_i64(out, "seq", replied->seq);
    if (replied->excerpt.at != NULL)
        json_key_text(out, "excerpt", replied->excerpt);
    json_close(out, '}');
}

/* As stored, and with `mine` for each if there is a reader. */
static void write_reactions(struct json_out *out, const struct event *event, const struct mine *mine)
{
    struct json json;
    struct buf emoji = {0};

    if (event->reactions.len == 0)
        return;
    if (mine == NULL) {
        json_key_raw(out, "reactions", event->reactions);
        return;
    }
    CHECK(json_parse(&json, event->reactions) == ERR_OK); /* we wrote it */
    json_key(out, "reactions");
    json_open(out, '[');
    for (struct json_iter it = json_iter(json_root(&json)); json_next(&it);) {
        buf_reset(&emoji);
        CHECK(json_to_text(json_get(it.value, "emoji"), &emoji));
        json_open(out, '{');
        json_key_text(out, "emoji", buf_text(&emoji));
        json_key_raw(out, "count", json_raw(json_get(it.value, "count")));
        json_key_bool(out, "mine", mine_has(mine, event->seq, buf_text(&emoji)));
        json_close(out, '}');
    }
    json_close(out, ']');
    buf_fini(&emoji);
    json_fini(&json);
}

static bool shows_replied(const struct event *event)
{
    return event->replied.seq != 0 && event->deleted_us == 0;
}

/* All of a message but its sender, into the object that is open; a bare one has said already whom it answers. Of a deleted one its numbers are left. */
static void write_message_members(struct json_out *out, const struct event *event, const struct mine *mine, bool is_bare)
{
    json_key_id(out, "room_id", event->room_id);
    json_key_i64(out, "seq", event->seq);
    json_key_i64(out, "message_no", event->message_no);
    splice_body(out, event->body);
    if (shows_replied(event) && !is_bare)
        write_replied(out, &event->replied);
    write_reactions(out, event, mine);
    json_key_i64(out, "version", event->version);
    json_key_time(out, "created_at", event->created_us);
    if (event->edited_us != 0)
        json_key_time(out, "edited_at", event->edited_us);
    if (event->deleted_us != 0)
        json_key_time(out, "deleted_at", event->deleted_us);
}

void event_write_message_bare(struct json_out *out, const struct event *event)
{
    json_open(out, '{');
    if (shows_replied(event))
        write_bare_replied(out, &event->replied);
    write_message_members(out, event, NULL, true);
    json_close(out, '}');
}

static size_t read_ids(struct json_value list, int64_t *ids, size_t most)
{
    struct buf digits = {0};
    size_t count = 0;

    for (struct json_iter it = json_iter(list); json_next(&it) && count < most; buf_reset(&digits))
        if (json_to_text(it.value, &digits) && id_parse(buf_text(&digits), &ids[count]))
            count++;
    buf_fini(&digits);
    return count;
}

size_t event_mentions(const struct event *event, int64_t *ids, size_t most, bool *room)
{
    struct json json;
    size_t count = 0;

    *room = false;
    /* of most bodies that is enough: nothing is parsed */
    if (event->kind != EVENT_MESSAGE || memmem(event->body.at, event->body.len, "\"mentions", 9) == NULL)
        return 0;
    if (json_parse(&json, event->body) == ERR_OK) {
        count = read_ids(json_get(json_root(&json), "mentions"), ids, most);
        json_to_bool(json_get(json_root(&json), "mentions_room"), room);
    }
    json_fini(&json);
    return count;
}

void event_write_until(struct json_out *out, const struct event *event)
{
    struct json json;
    struct buf until = {0};

    if (json_parse(&json, event->body) == ERR_OK && json_to_text(json_get(json_root(&json), "until"), &until))
        json_key_text(out, "until", buf_text(&until));
    buf_fini(&until);
    json_fini(&json);
}

/* Where what is behind the id of whom it answers begins; 0: it answers nobody. */
static size_t find_replied(struct text bare, int64_t *id)
{
    const size_t from = sizeof(BARE_REPLY) - 1;
    const char *end = text_starts(bare, TEXT(BARE_REPLY)) ? memchr(bare.at + from, '"', bare.len - from) : NULL;

    if (end == NULL || !id_parse(text_of(bare.at + from, (size_t)(end - bare.at) - from), id))
        return 0;
    const size_t behind = (size_t)(end - bare.at) + 2;
    return behind < bare.len && end[1] == '}' ? behind : 0;
}

int64_t event_bare_replied(struct text bare)
{
    int64_t id;

    return find_replied(bare, &id) > 0 ? id : 0;
}

void event_splice_names(struct json_out *out, struct text bare, int64_t sender_id, struct text sender_name, struct text replied_name)
{
    int64_t replied_id;
    const size_t behind = find_replied(bare, &replied_id);

    json_open(out, '{');
    json_key(out, "sender");
    user_write_sender(out, sender_id, sender_name);
    if (behind > 0) {
        json_key(out, "reply_to");
        buf_add_text(out->buf, TEXT("{\"sender\":"));
        user_write_sender(out, replied_id, replied_name);
        buf_add(out->buf, bare.at + behind, bare.len - behind - 1);
    } else {
        json_raw_value(out, text_of(bare.at + 1, bare.len - 2));
    }
    json_close(out, '}');
}

void event_write_message(struct json_out *out, const struct event *event)
{
    event_write_message_to(out, event, NULL);
}

void event_write_message_to(struct json_out *out, const struct event *event, const struct mine *mine)
{
    json_open(out, '{');
    json_key(out, "sender");
    user_write_sender(out, event->sender_id, event->sender_name);
    write_message_members(out, event, mine, false);
    json_close(out, '}');
}

/* What the event is about, under the name of its subject. */
static void write_subject(struct json_out *out, const struct event *event)
{
    const struct event message = event_message(event);

    switch (event->kind) {
    case EVENT_MESSAGE:
    case EVENT_EDIT:
    case EVENT_DELETE:
    case EVENT_PIN:
        json_key(out, "message");
        event_write_message(out, &message);
        break;
    case EVENT_REACTION:
        json_key_raw(out, "reaction", event->body);
        break;
    case EVENT_ROOM:
        json_key_raw(out, "room", event->body);
        break;
    case EVENT_JOIN:
    case EVENT_LEAVE:
    case EVENT_KICK:
    case EVENT_BAN:
    case EVENT_UNBAN:
    case EVENT_ROLE:
        json_key(out, "member");
        json_open(out, '{');
        json_key(out, "user");
        user_write(out, &event->subject);
        splice_body(out, event->body);
        json_close(out, '}');
        break;
    case EVENT_UNPIN:
        break; /* its target says it all */
    }
}

void event_write(struct json_out *out, const struct event *event)
{
    json_open(out, '{');
    json_key_id(out, "room_id", event->room_id);
    json_key_i64(out, "seq", event->seq);
    json_key_text(out, "kind", text(event_kind_name(event->kind)));
    json_key(out, "sender");
    user_write_sender(out, event->sender_id, event->sender_name);
    if (event->target_seq != 0)
        json_key_i64(out, "target_seq", event->target_seq);
    json_key_i64(out, "message_no", event->message_no);
    json_key_time(out, "created_at", event->created_us);
    write_subject(out, event);
    json_close(out, '}');
}
