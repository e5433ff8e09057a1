#include "api/handlers/chats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model/my_rooms.h"
#include "api/model/people.h"
#include "api/worker.h"
#include "base/checksum.h"
#include "base/id.h"

#define CHATS_DEFAULT 50
#define CHATS_MAX 100
#define CHAT_BYTES 768 /* what a line takes, mostly */

/* Cuts the number before the next dash off `*rest`. */
static bool next_number(struct text *rest, int64_t *number)
{
    const char *dash = rest->len > 0 ? memchr(rest->at, '-', rest->len) : NULL;
    const struct text digits = dash != NULL ? text_of(rest->at, (size_t)(dash - rest->at)) : *rest;

    *rest = text_after(*rest, digits.len + (dash != NULL ? 1 : 0));
    return id_parse(digits, number);
}

/* `after` is "activity-room", and "-pinned" where it is; opaque to clients. */
static enum err read_after(struct call *call, struct chat_page *page)
{
    struct chat_place *after = &page->after;
    struct text given;

    page->has_after = call_query_text(call, "after", &given);
    if (!page->has_after)
        return ERR_OK;
    if (!next_number(&given, &after->activity_us) || !next_number(&given, &after->room_id) ||
        (given.len > 0 && !text_equal(given, TEXT("pinned"))))
        return call_fail_field(call, ERR_OUT_OF_RANGE, "after", "the `next` of an earlier page");
    after->is_pinned = given.len > 0;
    return ERR_OK;
}

static enum err read_archived(struct call *call, bool *archived)
{
    struct text given;

    *archived = false;
    if (!call_query_text(call, "archived", &given) || text_equal(given, TEXT("false")))
        return ERR_OK;
    *archived = true;
    return text_equal(given, TEXT("true")) ? ERR_OK : call_fail_field(call, ERR_WRONG_TYPE, "archived", "must be true or false");
}

static void write_chat(struct json_out *out, const struct chat *chat, const struct people *people, int64_t user_id)
{
    const struct membership *m = &chat->membership;

    json_open(out, '{');
    json_key(out, "room");
    room_write(out, &chat->room, chat->head.seq, chat->head.message_no, people_find(people, room_peer_of(&chat->room, user_id)));
    if (chat->head.has_message) {
        json_key(out, "last_message");
        event_splice_names(out, chat->head.message_bare, chat->head.sender_id, people_name(people, chat->head.sender_id),
                           people_name(people, event_bare_replied(chat->head.message_bare)));
    }
    json_key(out, "cursor");
    json_open(out, '{');
    json_key_i64(out, "seq", m->seq);
    json_key_i64(out, "message_no", m->message_no);
    json_close(out, '}');
    json_key_i64(out, "unread", membership_unread(m, chat->head.message_no));
    json_key_i64(out, "mentions", membership_mentions(m, chat->head.message_no, chat->head.room_mention_no));
    membership_write_view(out, m);
    json_close(out, '}');
}

static enum err write_page(struct call *call, const struct my_rooms *rooms)
{
    const int64_t user_id = call_user_id(call);
    const size_t shown = rooms->count;
    int64_t *ids = call_alloc(call, (3 * shown + 1) * sizeof(*ids));
    struct json_out out = {.buf = call_out(call)};
    struct people *people;

    for (size_t i = 0; i < shown; i++) {
        const struct head *head = &rooms->chats[i].head;
        ids[3 * i] = room_peer_of(&rooms->chats[i].room, user_id);
        ids[3 * i + 1] = head->sender_id;
        ids[3 * i + 2] = head->has_message ? event_bare_replied(head->message_bare) : 0;
    }
    const enum err err = people_read(call_worker(call), ids, 3 * shown, &people);
    if (err == ERR_OK) {
        buf_reserve(out.buf, shown * CHAT_BYTES);
        json_open(&out, '{');
        json_key(&out, "items");
        json_open(&out, '[');
        for (size_t i = 0; i < shown; i++)
            write_chat(&out, &rooms->chats[i], people, user_id);
        json_close(&out, ']');
        json_key_bool(&out, "has_more", rooms->has_more);
        if (rooms->has_more) {
            const struct chat_place last = rooms->last;
            char next[96];
            const int len =
                snprintf(next, sizeof(next), "%" PRId64 "-%" PRId64 "%s", last.activity_us, last.room_id, last.is_pinned ? "-pinned" : "");
            json_key_text(&out, "next", text_of(next, (size_t)len));
        }
        json_close(&out, '}');
    }
    people_destroy(people);
    return err;
}

/* The body's checksum as its ETag: 304 when the asker has just that. */
static enum err reply_if_changed(struct call *call)
{
    char hex[CHECKSUM_HEX_BYTES], etag[CHECKSUM_HEX_BYTES + 2];

    checksum_hex(buf_text(call_out(call)), hex);
    snprintf(etag, sizeof(etag), "\"%s\"", hex);
    call_set_header(call, "etag", text(etag));
    call_set_header(call, "cache-control", TEXT("private, no-cache"));
    if (text_equal(call_header(call, "if-none-match"), text(etag)))
        return call_reply_empty(call, 304);
    return call_reply(call, 200);
}

/* GET /v1/rooms ? limit, after, archived -> Page of Chat: pinned ones, then latest activity first */
enum err chats_get(struct call *call)
{
    struct chat_page page = {0};
    int64_t limit = CHATS_DEFAULT;
    struct my_rooms rooms = {0};
    enum err err;

    if ((err = call_query_i64(call, "limit", 1, CHATS_MAX, &limit)) != ERR_OK || (err = read_after(call, &page)) != ERR_OK ||
        (err = read_archived(call, &page.archived)) != ERR_OK)
        return err;
    page.limit = (size_t)limit;
    if ((err = my_rooms_read(call_worker(call), call_user_id(call), &page, &rooms)) == ERR_OK &&
        (err = write_page(call, &rooms)) == ERR_OK)
        err = reply_if_changed(call);
    my_rooms_fini(&rooms);
    return err;
}
