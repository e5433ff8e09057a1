/*
 * fake_api: an API for a gateway under test: says what the test says, keeps what the test wants
 * kept.
 */
#pragma once

#include <inttypes.h>
#include <stdlib.h>

#include "bus/publisher.h"
#include "bus/responder.h"
#include "gateway/settings.h"

#define FAKE_KEPT_MAX  16
#define FAKE_ROOMS_MAX 8

struct fake_api {
    struct publisher *publisher;
    struct responder *responder;
    const char *epoch;
    uint64_t ended_number;

    /* What it says. */
    bool alive;
    uint64_t rooms[FAKE_ROOMS_MAX], as_of[FAKE_ROOMS_MAX]; /* of every user */
    size_t room_count;
    uint64_t head;         /* where every room's log stands */
    uint64_t history_from; /* oldest event that is still there */
    uint64_t closed_at;    /* the event that ends every room; 0: none */
    size_t history_fits;   /* how many events fit into the bytes asked for; 0: all */
    int subscribe_error;
    bool member; /* what it says of any membership that it is asked about, read at `head` */
    bool refuses_memberships; /* says nothing of them, for now */
    bool is_older; /* does not know that question */
    struct text ended[4]; /* sessions that ended, of user 42 */
    size_t ended_count;

    /* Questions of this kind are kept, until fake_answer_kept(). */
    Bus__Question__AskCase keeps;
    struct {
        struct inquiry *inquiry;
        const Bus__Question *question;
    } kept[FAKE_KEPT_MAX];
    size_t kept_count;

    struct text blocked[4]; /* users: bans 1, 2 … */
    uint64_t blocked_count;

    size_t asked[BUS__QUESTION__ASK_BANS + 1];
    char published[256]; /* data of the last Publish */
    size_t watchers;     /* whom PresenceList names */
    size_t looking;      /* joined minus left, of PresenceChange */
    size_t online;       /* the same, of `status:` */
};

static inline struct text fake_data(char *out, size_t size, uint64_t offset)
{
    return text_of(out, (size_t)snprintf(out, size, "{\"seq\":%" PRIu64 "}", offset));
}

static inline void fake_say_connect(struct fake_api *api, struct inquiry *inquiry,
                                    const Bus__Question *question)
{
    const size_t count = question->connect->n_users;
    Bus__Connected connected = BUS__CONNECTED__INIT;
    Bus__ConnectedUser users[count], *list[count];
    Bus__RoomPosition rooms[FAKE_ROOMS_MAX], *room_list[FAKE_ROOMS_MAX];
    char names[FAKE_ROOMS_MAX][24];
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < api->room_count; i++) {
        bus__room_position__init(&rooms[i]);
        snprintf(names[i], sizeof(names[i]), "%" PRIu64, api->rooms[i]);
        rooms[i].room = wire_bytes(text(names[i]));
        rooms[i].as_of = api->as_of[i];
        room_list[i] = &rooms[i];
    }
    for (size_t i = 0; i < count; i++) {
        bus__connected_user__init(&users[i]);
        users[i].alive = api->alive || question->connect->users[i]->rooms_only;
        users[i].n_rooms = users[i].alive ? api->room_count : 0;
        users[i].rooms = room_list;
        list[i] = &users[i];
    }
    connected.n_users = count;
    connected.users = list;
    connected.epoch = wire_bytes(text(api->epoch));
    connected.ended_number = api->ended_number;
    connected.ban_number = api->blocked_count;
    answer.told_case = BUS__ANSWER__TOLD_CONNECTED;
    answer.connected = &connected;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_subscribe(struct fake_api *api, struct inquiry *inquiry,
                                      const Bus__Question *question)
{
    Bus__Subscribed subscribed = BUS__SUBSCRIBED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    char state[32];

    if (api->subscribe_error != 0) {
        inquiry_refuse(inquiry, (uint32_t)api->subscribe_error, "no", false);
        return;
    }
    if (text_starts(wire_text(question->subscribe->channel), TEXT("room:"))) {
        subscribed.offset = api->head;
        subscribed.epoch = wire_bytes(text(api->epoch));
        subscribed.streamed = true;
    }
    if (text_starts(wire_text(question->subscribe->channel), TEXT("status:")))
        subscribed.data = wire_bytes(text_of(
            state, (size_t)snprintf(state, sizeof(state), "{\"asked\":%zu}", api->asked[BUS__QUESTION__ASK_SUBSCRIBE])));
    answer.told_case = BUS__ANSWER__TOLD_SUBSCRIBED;
    answer.subscribed = &subscribed;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_memberships(struct fake_api *api, struct inquiry *inquiry,
                                        const Bus__Question *question)
{
    const size_t count = question->memberships->n_asked;
    Bus__MembershipList told = BUS__MEMBERSHIP_LIST__INIT;
    Bus__Standing standings[count], *list[count];
    Bus__Answer answer = BUS__ANSWER__INIT;

    if (api->refuses_memberships || api->is_older) {
        inquiry_refuse(inquiry, api->is_older ? 104 : 100, "no", !api->is_older);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bus__standing__init(list[i] = &standings[i]);
        standings[i].member = api->member;
        standings[i].as_of = api->head;
    }
    told.n_standings = count;
    told.standings = list;
    told.epoch = wire_bytes(text(api->epoch));
    answer.told_case = BUS__ANSWER__TOLD_MEMBERSHIPS;
    answer.memberships = &told;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_history(struct fake_api *api, struct inquiry *inquiry,
                                    const Bus__Question *question)
{
    const Bus__History *asked = question->history;
    Bus__Publications told = BUS__PUBLICATIONS__INIT;
    Bus__Publication items[asked->limit + 1], *list[asked->limit + 1];
    char data[asked->limit + 1][32];
    uint64_t offset = asked->after + 1;
    Bus__Answer answer = BUS__ANSWER__INIT;

    if (offset < api->history_from)
        offset = api->history_from;
    for (; offset <= api->head && told.n_items < asked->limit &&
           (api->history_fits == 0 || told.n_items < api->history_fits);
         offset++) {
        const size_t i = told.n_items++;
        bus__publication__init(&items[i]);
        items[i].channel = asked->channel;
        items[i].offset = offset;
        items[i].epoch = wire_bytes(text(api->epoch));
        items[i].data = wire_bytes(fake_data(data[i], sizeof(data[i]), offset));
        items[i].closes = offset == api->closed_at;
        list[i] = &items[i];
    }
    told.items = list;
    told.offset = api->head;
    told.epoch = wire_bytes(text(api->epoch));
    answer.told_case = BUS__ANSWER__TOLD_PUBLICATIONS;
    answer.publications = &told;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_heads(struct fake_api *api, struct inquiry *inquiry,
                                  const Bus__Question *question)
{
    const size_t count = question->heads->n_channels;
    Bus__HeadList told = BUS__HEAD_LIST__INIT;
    Bus__Head heads[count], *list[count];
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < count; i++) {
        bus__head__init(&heads[i]);
        heads[i].channel = question->heads->channels[i];
        heads[i].offset = api->head;
        list[i] = &heads[i];
    }
    told.n_heads = count;
    told.heads = list;
    told.epoch = wire_bytes(text(api->epoch));
    answer.told_case = BUS__ANSWER__TOLD_HEADS;
    answer.heads = &told;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_stream_heads(struct fake_api *api, struct inquiry *inquiry,
                                         const Bus__Question *question)
{
    const size_t count = question->stream_heads->n_streams;
    Bus__HeadList told = BUS__HEAD_LIST__INIT;
    Bus__Head heads[count], *list[count];
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < count; i++) {
        bus__head__init(&heads[i]);
        heads[i].channel = question->stream_heads->streams[i]->channel;
        heads[i].offset = api->head;
        heads[i].epoch = wire_bytes(text(api->epoch));
        list[i] = &heads[i];
    }
    told.n_heads = count;
    told.heads = list;
    answer.told_case = BUS__ANSWER__TOLD_HEADS;
    answer.heads = &told;
    inquiry_answer(inquiry, &answer);
}

/* Pages of one session: the first has number 2, since 1 is what the first connect is told. */
static inline void fake_say_ended(struct fake_api *api, struct inquiry *inquiry,
                                  const Bus__Question *question)
{
    const uint64_t after = question->ended_sessions->after;
    Bus__EndedList told = BUS__ENDED_LIST__INIT;
    Bus__EndedSession session = BUS__ENDED_SESSION__INIT, *list = &session;
    Bus__Answer answer = BUS__ANSWER__INIT;

    told.number = after;
    if (after >= 1 && after <= api->ended_count) {
        session.number = told.number = after + 1;
        session.user = wire_bytes(TEXT("42"));
        session.session = wire_bytes(api->ended[after - 1]);
        told.n_sessions = 1;
    }
    told.sessions = &list;
    answer.told_case = BUS__ANSWER__TOLD_ENDED;
    answer.ended = &told;
    inquiry_answer(inquiry, &answer);
}

/* Pages of one. */
static inline void fake_say_bans(struct fake_api *api, struct inquiry *inquiry,
                                 const Bus__Question *question)
{
    const uint64_t after = question->bans->after;
    Bus__Bans told = BUS__BANS__INIT;
    Bus__Order order = BUS__ORDER__INIT, *list = &order;
    Bus__Answer answer = BUS__ANSWER__INIT;

    told.number = after;
    if (after < api->blocked_count) {
        order.kind = BUS__ORDER__KIND__BLOCK_USER;
        order.user = wire_bytes(api->blocked[after]);
        order.number = told.number = after + 1;
        told.n_orders = 1;
    }
    told.orders = &list;
    answer.told_case = BUS__ANSWER__TOLD_BANS;
    answer.bans = &told;
    inquiry_answer(inquiry, &answer);
}

static inline bool fake_is_status(ProtobufCBinaryData channel)
{
    return text_starts(wire_text(channel), TEXT("status:"));
}

static inline void fake_say_data(struct fake_api *api, struct inquiry *inquiry,
                                 const Bus__Question *question)
{
    Bus__Data data = BUS__DATA__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    if (question->ask_case == BUS__QUESTION__ASK_PUBLISH)
        snprintf(api->published, sizeof(api->published), "%.*s",
                 TEXT_ARGS(wire_text(question->publish->data)));
    if (question->ask_case == BUS__QUESTION__ASK_RPC)
        data.data = question->rpc->data;
    if (question->ask_case == BUS__QUESTION__ASK_PRESENCE_CHANGE)
        for (size_t i = 0; i < question->presence_change->n_steps; i++)
            *(fake_is_status(question->presence_change->steps[i]->entry->channel) ? &api->online : &api->looking) +=
                question->presence_change->steps[i]->joined ? 1 : (size_t)-1;
    answer.told_case = BUS__ANSWER__TOLD_DATA;
    answer.data = &data;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_presence(struct fake_api *api, struct inquiry *inquiry)
{
    Bus__PresenceEntries told = BUS__PRESENCE_ENTRIES__INIT;
    Bus__Presence entries[api->watchers + 1], *list[api->watchers + 1];
    char clients[api->watchers + 1][24];
    Bus__Answer answer = BUS__ANSWER__INIT;

    for (size_t i = 0; i < api->watchers; i++) {
        bus__presence__init(list[i] = &entries[i]);
        snprintf(clients[i], sizeof(clients[i]), "c%zu", i);
        entries[i].client = wire_bytes(text(clients[i]));
        entries[i].user = wire_bytes(TEXT("42"));
    }
    told.n_entries = api->watchers;
    told.num_clients = (uint32_t)api->watchers;
    told.num_users = api->watchers > 0;
    told.entries = list;
    answer.told_case = BUS__ANSWER__TOLD_PRESENCE;
    answer.presence = &told;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say_replay(struct inquiry *inquiry)
{
    Bus__Replayed told = BUS__REPLAYED__INIT; /* it keeps nothing */
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_REPLAYED;
    answer.replayed = &told;
    inquiry_answer(inquiry, &answer);
}

static inline void fake_say(struct fake_api *api, struct inquiry *inquiry,
                            const Bus__Question *question)
{
    switch (question->ask_case) {
    case BUS__QUESTION__ASK_CONNECT:
        fake_say_connect(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_SUBSCRIBE:
        fake_say_subscribe(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_HISTORY:
        fake_say_history(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_HEADS:
        fake_say_heads(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_STREAM_HEADS:
        fake_say_stream_heads(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_ENDED_SESSIONS:
        fake_say_ended(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_MEMBERSHIPS:
        fake_say_memberships(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_BANS:
        fake_say_bans(api, inquiry, question);
        break;
    case BUS__QUESTION__ASK_PRESENCE_LIST:
        fake_say_presence(api, inquiry);
        break;
    case BUS__QUESTION__ASK_REPLAY:
        fake_say_replay(inquiry);
        break;
    default:
        fake_say_data(api, inquiry, question);
    }
}

static inline void fake_on_question(void *context, struct inquiry *inquiry,
                                    const Bus__Question *question)
{
    struct fake_api *api = context;

    api->asked[question->ask_case]++;
    if (question->ask_case != api->keeps || api->kept_count == FAKE_KEPT_MAX) {
        fake_say(api, inquiry, question);
        return;
    }
    api->kept[api->kept_count].inquiry = inquiry;
    api->kept[api->kept_count++].question = question;
}

/* As it would now. */
static inline void fake_answer_kept(struct fake_api *api)
{
    api->keeps = BUS__QUESTION__ASK__NOT_SET;
    for (size_t i = 0; i < api->kept_count; i++)
        fake_say(api, api->kept[i].inquiry, api->kept[i].question);
    api->kept_count = 0;
}

static inline void fake_send(struct fake_api *api, Bus__Item__WhatCase what, void *message)
{
    Bus__Item item = BUS__ITEM__INIT, *list = &item;

    item.what_case = what;
    item.publication = message;
    CHECK(publisher_send(api->publisher, &list, 1) == 1);
}

/* What happens in a room: `adds`, `removes` and `mentions` may be NULL (one user), `summary` too.
 */
struct fake_event {
    const char *channel;
    uint64_t offset;
    const char *data, *summary, *adds, *removes, *mention;
    bool closes, urgent, revises;
};

static inline void fake_publish(struct fake_api *api, const struct fake_event *event)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    ProtobufCBinaryData adds = wire_bytes(text(event->adds)),
                        removes = wire_bytes(text(event->removes)),
                        mention = wire_bytes(text(event->mention));
    char data[32];

    publication.channel = wire_bytes(text(event->channel));
    publication.offset = event->offset;
    publication.epoch = wire_bytes(text(api->epoch));
    publication.data = wire_bytes(
        event->data != NULL ? text(event->data) : fake_data(data, sizeof(data), event->offset));
    publication.summary = wire_bytes(text(event->summary));
    publication.n_adds = event->adds != NULL;
    publication.adds = &adds;
    publication.n_removes = event->removes != NULL;
    publication.removes = &removes;
    publication.n_mentions = event->mention != NULL;
    publication.mentions = &mention;
    publication.closes = event->closes;
    publication.urgent = event->urgent;
    publication.revises = event->revises;
    if (event->offset > api->head)
        api->head = event->offset;
    fake_send(api, BUS__ITEM__WHAT_PUBLICATION, &publication);
}

static inline void fake_disconnect(struct fake_api *api, const char *user, const char *session)
{
    Bus__Control control = BUS__CONTROL__INIT;

    control.user = wire_bytes(text(user));
    control.session = wire_bytes(text(session));
    control.code = 3500;
    control.reason = wire_bytes(TEXT("session ended"));
    control.ended_number = ++api->ended_number;
    fake_send(api, BUS__ITEM__WHAT_CONTROL, &control);
}

static inline void fake_api_open(struct fake_api *api, uv_loop_t *loop, int port)
{
    char events[64], questions[64];

    snprintf(events, sizeof(events), "tcp://127.0.0.1:%d", port);
    snprintf(questions, sizeof(questions), "tcp://127.0.0.1:%d", port + 1);
    *api = (struct fake_api){
        .epoch = "e1", .alive = true, .ended_number = 1, .history_from = 1, .head = 5};
    CHECK(publisher_open(&api->publisher, &(struct publisher_config){.url = events,
                                                                     .heartbeat_ms = 50,
                                                                     .queue_limit = 1024,
                                                                     .keep_ms = 1000,
                                                                     .keep_bytes = 1 << 20}) ==
          ERR_OK);
    CHECK(responder_open(&api->responder, loop,
                         &(struct responder_config){.url = questions,
                                                    .publisher = api->publisher,
                                                    .open_limit = 64},
                         fake_on_question, api) == ERR_OK);
}

static inline void fake_api_close(struct fake_api *api)
{
    publisher_close(api->publisher);
    responder_close(api->responder);
    fake_answer_kept(api);
}
