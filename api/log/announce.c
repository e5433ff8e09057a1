#include "api/log/announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/model/mention.h"
#include "base/id.h"

#define UNSUBSCRIBED_BY_SERVER 2000 /* of the client protocol: the subscription ends, and is not made anew */

/* A piece of the announcer's bytes: an offset, since they move while they grow. */
struct piece {
    size_t at, len;
};

struct announcement {
    Bus__Item item;
    Bus__Publication publication;
    Bus__Presence presence;
    Bus__Control control;
    Bus__Order order;
    struct piece channel, epoch, data, summary, user, client, session, info, chan_info;
    size_t mention_at; /* of the publication's mentions, in the announcer's */
    char subject[24]; /* user id of a member event, in decimal */
    ProtobufCBinaryData subject_bytes;
};

struct announcer {
    struct buf bytes;
    struct announcement **list;
    Bus__Item **items;
    size_t count, cap;
    struct piece *mentions; /* of all publications */
    ProtobufCBinaryData *mention_bytes;
    size_t mention_count, mention_cap;
};

struct announcer *announcer_create(void)
{
    return xcalloc(1, sizeof(struct announcer));
}

void announcer_destroy(struct announcer *announcer)
{
    if (announcer == NULL)
        return;
    for (size_t i = 0; i < announcer->cap; i++)
        free(announcer->list[i]);
    free(announcer->mentions);
    free(announcer->mention_bytes);
    free(announcer->list);
    free(announcer->items);
    buf_fini(&announcer->bytes);
    free(announcer);
}

void announce_reset(struct announcer *announcer)
{
    announcer->count = announcer->mention_count = 0;
    buf_reset(&announcer->bytes);
}

static struct announcement *add(struct announcer *announcer)
{
    if (announcer->count == announcer->cap) {
        const size_t cap = announcer->cap == 0 ? 16 : announcer->cap * 2;
        announcer->list = xrealloc(announcer->list, cap * sizeof(*announcer->list));
        announcer->items = xrealloc(announcer->items, cap * sizeof(Bus__Item *));
        for (; announcer->cap < cap; announcer->cap++)
            announcer->list[announcer->cap] = xmalloc(sizeof(struct announcement));
    }

    struct announcement *a = announcer->list[announcer->count++];
    memset(a, 0, sizeof(*a));
    bus__item__init(&a->item);
    return a;
}

static struct announcement *add_publication(struct announcer *announcer)
{
    struct announcement *a = add(announcer);

    bus__publication__init(&a->publication);
    a->item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    a->item.publication = &a->publication;
    return a;
}

static struct piece begin(const struct announcer *announcer)
{
    return (struct piece){.at = announcer->bytes.len};
}

static void end(const struct announcer *announcer, struct piece *piece)
{
    piece->len = announcer->bytes.len - piece->at;
}

static struct piece put(struct announcer *announcer, struct text t)
{
    struct piece piece = begin(announcer);

    buf_add_text(&announcer->bytes, t);
    end(announcer, &piece);
    return piece;
}

static struct piece put_channel(struct announcer *announcer, const char *namespace, int64_t id)
{
    struct piece piece = begin(announcer);

    buf_printf(&announcer->bytes, "%s:%" PRId64, namespace, id);
    end(announcer, &piece);
    return piece;
}

/* The `chats` line, without its mentions: the gateway adds those, since it may fold several lines.
 */
static struct piece put_summary(struct announcer *announcer, const struct event *event,
                                const struct head *head, struct text head_sender_name)
{
    struct piece piece = begin(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    if (event->kind != EVENT_MESSAGE && head == NULL)
        return piece;
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("chat"));
    json_key_id(&out, "room_id", event->room_id);
    json_key_i64(&out, "last_seq", event->seq);
    json_key_i64(&out, "message_no", event->message_no);
    if (event->kind == EVENT_ROOM)
        json_key_raw(&out, "room", event->body);
    if (event->kind == EVENT_MESSAGE) {
        json_key(&out, "last_message");
        event_write_message(&out, event);
    } else if (head->has_message) {
        json_key(&out, "last_message");
        event_splice_names(&out, head->message_bare, head->sender_id, head_sender_name, head->replied_name);
    }
    json_close(&out, '}');
    end(announcer, &piece);
    return piece;
}

static void put_mentions(struct announcer *announcer, struct announcement *a, const struct event *event)
{
    int64_t ids[MENTION_MOST];
    bool room;
    const size_t count = event_mentions(event, ids, MENTION_MOST, &room);

    if (announcer->mention_count + count > announcer->mention_cap) {
        announcer->mention_cap = 2 * announcer->mention_cap + MENTION_MOST;
        announcer->mentions = xrealloc(announcer->mentions, announcer->mention_cap * sizeof(*announcer->mentions));
        announcer->mention_bytes = xrealloc(announcer->mention_bytes, announcer->mention_cap * sizeof(*announcer->mention_bytes));
    }
    a->mention_at = announcer->mention_count;
    a->publication.n_mentions = count;
    a->publication.mentions_room = room;
    for (size_t i = 0; i < count; i++) {
        struct piece piece = begin(announcer);
        buf_add_i64(&announcer->bytes, ids[i]);
        end(announcer, &piece);
        announcer->mentions[announcer->mention_count++] = piece;
    }
}

void announce_event(struct announcer *announcer, const struct event *event, struct text epoch,
                    const struct head *head, struct text head_sender_name)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->publication.offset = (uint64_t)event->seq;
    a->channel = put_channel(announcer, "room", event->room_id);
    a->epoch = put(announcer, epoch);
    a->data = begin(announcer);
    event_write(&out, event);
    end(announcer, &a->data);
    a->summary = put_summary(announcer, event, head, head_sender_name);
    put_mentions(announcer, a, event);

    const int len = snprintf(a->subject, sizeof(a->subject), "%" PRId64, event->subject.id);
    a->subject_bytes = wire_bytes(text_of(a->subject, (size_t)len));
    a->publication.urgent = event->kind == EVENT_ROOM;
    a->publication.closes = event_closes(event);
    a->publication.revises = event_revises(event->kind);
    if (event_adds(event->kind)) {
        a->publication.n_adds = 1;
        a->publication.adds = &a->subject_bytes;
    } else if (event_removes(event->kind)) {
        a->publication.n_removes = 1;
        a->publication.removes = &a->subject_bytes;
    }
}

void announce_to_user(struct announcer *announcer, int64_t user_id, struct text data)
{
    struct announcement *a = add_publication(announcer);

    a->channel = put_channel(announcer, "user", user_id);
    a->data = put(announcer, data);
}

void announce_cursor(struct announcer *announcer, const struct membership *membership,
                     int64_t room_message_no, int64_t room_mention_no)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", membership->user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("cursor"));
    json_key_id(&out, "room_id", membership->room_id);
    json_key(&out, "cursor");
    json_open(&out, '{');
    json_key_i64(&out, "seq", membership->seq);
    json_key_i64(&out, "message_no", membership->message_no);
    json_close(&out, '}');
    json_key_i64(&out, "unread", membership_unread(membership, room_message_no));
    json_key_i64(&out, "mentions", membership_mentions(membership, room_message_no, room_mention_no));
    json_key_time_exact(&out, "changed_at", membership->changed_us);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_room_gone(struct announcer *announcer, const struct membership *membership)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", membership->user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("room_removed"));
    json_key_id(&out, "room_id", membership->room_id);
    json_key_text(&out, "reason", TEXT("room_deleted"));
    json_key_time_exact(&out, "changed_at", membership->changed_us);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_membership(struct announcer *announcer, const struct event *event, int64_t changed_us)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", event->subject.id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type",
                  event_adds(event->kind) ? TEXT("room_added") : TEXT("room_removed"));
    json_key_id(&out, "room_id", event->room_id);
    json_key_text(&out, "reason", text(event_kind_name(event->kind)));
    if (event->kind == EVENT_BAN)
        event_write_until(&out, event);
    json_key_time_exact(&out, "changed_at", changed_us);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_public_room(struct announcer *announcer, struct text type, const struct room *room,
                          const struct head *head)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put(announcer, TEXT("public:rooms"));
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", type);
    json_key(&out, "room");
    room_write(&out, room, head->seq, head->message_no, NULL);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_profile(struct announcer *announcer, const struct me *me)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "status", me->user.id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("profile"));
    json_key_id(&out, "user_id", me->user.id);
    json_key(&out, "user");
    me_write_for(&out, me, VISIBLE_TO_EVERYONE);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_status(struct announcer *announcer, const struct status *status)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "status", status->user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("status"));
    json_key_id(&out, "user_id", status->user_id);
    status_write_members(&out, status);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_status_hidden(struct announcer *announcer, int64_t user_id, int64_t person_id)
{
    struct announcement *a = add(announcer);

    bus__order__init(&a->order);
    a->item.what_case = BUS__ITEM__WHAT_ORDER;
    a->item.order = &a->order;
    a->order.kind = BUS__ORDER__KIND__UNSUBSCRIBE;
    a->order.id = id_random();
    a->order.code = UNSUBSCRIBED_BY_SERVER;
    a->channel = put_channel(announcer, "status", person_id);
    a->data = put(announcer, TEXT("permission denied"));
    a->user = begin(announcer);
    buf_add_i64(&announcer->bytes, user_id);
    end(announcer, &a->user);
}

void announce_view(struct announcer *announcer, const struct membership *membership)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", membership->user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("notify"));
    json_key_id(&out, "room_id", membership->room_id);
    membership_write_view(&out, membership);
    json_key_time_exact(&out, "changed_at", membership->changed_us);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_relation(struct announcer *announcer, const struct relation *relation)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", relation->user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("contact"));
    relation_write_members(&out, relation);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_public_group(struct announcer *announcer, struct text type, const struct group *group)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put(announcer, TEXT("public:groups"));
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", type);
    json_key(&out, "group");
    group_write(&out, group);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_group_membership(struct announcer *announcer, int64_t user_id, int64_t group_id, bool is_in, struct text reason,
                               int64_t changed_us)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put_channel(announcer, "user", user_id);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", is_in ? TEXT("group_added") : TEXT("group_removed"));
    json_key_id(&out, "group_id", group_id);
    json_key_text(&out, "reason", reason);
    json_key_time_exact(&out, "changed_at", changed_us);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_session_ended(struct announcer *announcer, int64_t user_id, int64_t session_id,
                            int64_t number)
{
    struct announcement *a = add(announcer);

    bus__control__init(&a->control);
    a->item.what_case = BUS__ITEM__WHAT_CONTROL;
    a->item.control = &a->control;
    a->control.kind = BUS__CONTROL__KIND__DISCONNECT;
    a->control.code = 3500;
    a->control.ended_number = (uint64_t)number;
    a->user = begin(announcer);
    buf_add_i64(&announcer->bytes, user_id);
    end(announcer, &a->user);
    a->session = begin(announcer);
    if (session_id != 0)
        buf_add_i64(&announcer->bytes, session_id);
    end(announcer, &a->session);
    a->data = put(announcer, TEXT("session ended"));
}

void announce_typing(struct announcer *announcer, struct text live_channel, struct text user_id)
{
    struct announcement *a = add_publication(announcer);
    struct json_out out = {.buf = &announcer->bytes};

    a->channel = put(announcer, live_channel);
    a->data = begin(announcer);
    json_open(&out, '{');
    json_key_text(&out, "type", TEXT("typing"));
    json_key_text(&out, "user_id", user_id);
    json_close(&out, '}');
    end(announcer, &a->data);
}

void announce_presence(struct announcer *announcer, bool joined, struct text channel,
                       struct text user, struct text client, struct text conn_info,
                       struct text chan_info)
{
    struct announcement *a = add(announcer);

    bus__presence__init(&a->presence);
    a->item.what_case = joined ? BUS__ITEM__WHAT_JOIN : BUS__ITEM__WHAT_LEAVE;
    a->item.join = &a->presence; /* join and leave share the union's place */
    a->channel = put(announcer, channel);
    a->user = put(announcer, user);
    a->client = put(announcer, client);
    a->info = put(announcer, conn_info);
    a->chan_info = put(announcer, chan_info);
}

static ProtobufCBinaryData resolve(const struct announcer *announcer, struct piece piece)
{
    return wire_bytes(text_of(announcer->bytes.at + piece.at, piece.len));
}

/* The bytes stand still now: turns offsets into pointers. */
static void settle(const struct announcer *announcer, struct announcement *a)
{
    switch (a->item.what_case) {
    case BUS__ITEM__WHAT_PUBLICATION:
        a->publication.channel = resolve(announcer, a->channel);
        a->publication.epoch = resolve(announcer, a->epoch);
        a->publication.data = resolve(announcer, a->data);
        a->publication.summary = resolve(announcer, a->summary);
        a->publication.mentions = announcer->mention_bytes + a->mention_at;
        for (size_t i = 0; i < a->publication.n_mentions; i++)
            a->publication.mentions[i] = resolve(announcer, announcer->mentions[a->mention_at + i]);
        break;
    case BUS__ITEM__WHAT_CONTROL:
        a->control.user = resolve(announcer, a->user);
        a->control.session = resolve(announcer, a->session);
        a->control.reason = resolve(announcer, a->data);
        break;
    case BUS__ITEM__WHAT_ORDER:
        a->order.channel = resolve(announcer, a->channel);
        a->order.user = resolve(announcer, a->user);
        a->order.reason = resolve(announcer, a->data);
        break;
    default:
        a->presence.channel = resolve(announcer, a->channel);
        a->presence.user = resolve(announcer, a->user);
        a->presence.client = resolve(announcer, a->client);
        a->presence.info = resolve(announcer, a->info);
        a->presence.chan_info = resolve(announcer, a->chan_info);
    }
}

Bus__Item **announce_items(struct announcer *announcer, size_t *count)
{
    for (size_t i = 0; i < announcer->count; i++) {
        settle(announcer, announcer->list[i]);
        announcer->items[i] = &announcer->list[i]->item;
    }
    *count = announcer->count;
    return announcer->items;
}

void announce_send(struct announcer *announcer, struct publisher *publisher)
{
    size_t count;
    Bus__Item **items = announce_items(announcer, &count);

    if (count > 0)
        publisher_send(publisher, items, count);
    announce_reset(announcer);
}
