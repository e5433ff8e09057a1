#include "bench/fake_api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "bus/publisher.h"
#include "bus/responder.h"

#define HEARTBEAT_MS 200
#define KEEP_MS      30000
#define KEEP_BYTES   (64u << 20)
#define OPEN_LIMIT   1024
#define HISTORY_MAX  300

struct fake_api {
    struct fake_api_config config;
    struct publisher *publisher;
    struct responder *responder;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    _Atomic uint64_t last; /* offset of the newest publication */
    struct buf data, summary;
};

/* ---- answers, on the loop's thread ---- */

static struct text room_of(const struct fake_api *api)
{
    const struct text channel = api->config.shape.channel;
    const char *colon = memchr(channel.at, ':', channel.len);

    CHECK(colon != NULL);
    return text_after(channel, (size_t)(colon - channel.at) + 1);
}

static void answer_connect(struct fake_api *api, struct inquiry *inquiry, const Bus__Connect *ask)
{
    Bus__RoomPosition room = BUS__ROOM_POSITION__INIT, *rooms[] = {&room};
    Bus__ConnectedUser user = BUS__CONNECTED_USER__INIT;
    Bus__Connected connected = BUS__CONNECTED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    room.room = wire_bytes(room_of(api));
    room.as_of = api->last;
    user.alive = true;
    user.n_rooms = 1;
    user.rooms = rooms;
    connected.n_users = ask->n_users;
    connected.users = xcalloc(ask->n_users + 1, sizeof(*connected.users));
    for (size_t i = 0; i < ask->n_users; i++)
        connected.users[i] = &user;
    connected.epoch = wire_bytes(api->config.shape.epoch);
    answer.told_case = BUS__ANSWER__TOLD_CONNECTED;
    answer.connected = &connected;
    inquiry_answer(inquiry, &answer);
    free(connected.users);
}

static void answer_subscribe(struct fake_api *api, struct inquiry *inquiry)
{
    Bus__Subscribed subscribed = BUS__SUBSCRIBED__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    subscribed.offset = api->last;
    subscribed.epoch = wire_bytes(api->config.shape.epoch);
    subscribed.streamed = true;
    answer.told_case = BUS__ANSWER__TOLD_SUBSCRIBED;
    answer.subscribed = &subscribed;
    inquiry_answer(inquiry, &answer);
}

static void answer_history(struct fake_api *api, struct inquiry *inquiry, const Bus__History *ask)
{
    Bus__Publication items[HISTORY_MAX], *pointers[HISTORY_MAX];
    Bus__Publications publications = BUS__PUBLICATIONS__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;
    const uint64_t last = api->last;
    struct buf data = {0};
    size_t count = 0;

    /* all data first: it moves while it grows */
    for (uint64_t offset = ask->after + 1;
         offset <= last && count < HISTORY_MAX && count < ask->limit; offset++, count++)
        publication_data(&data, &api->config.shape, offset);
    for (size_t i = 0; i < count; i++) {
        items[i] = (Bus__Publication)BUS__PUBLICATION__INIT;
        items[i].channel = wire_bytes(api->config.shape.channel);
        items[i].epoch = wire_bytes(api->config.shape.epoch);
        items[i].offset = ask->after + 1 + i;
        items[i].data = wire_bytes(
            text_of(data.at + i * api->config.shape.data_bytes, api->config.shape.data_bytes));
        pointers[i] = &items[i];
    }
    publications.n_items = count;
    publications.items = pointers;
    publications.offset = last;
    publications.epoch = wire_bytes(api->config.shape.epoch);
    answer.told_case = BUS__ANSWER__TOLD_PUBLICATIONS;
    answer.publications = &publications;
    inquiry_answer(inquiry, &answer);
    buf_fini(&data);
}

static void answer_heads(struct fake_api *api, struct inquiry *inquiry)
{
    Bus__Head head = BUS__HEAD__INIT, *heads[] = {&head};
    Bus__HeadList list = BUS__HEAD_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    head.channel = wire_bytes(api->config.shape.channel);
    head.offset = api->last;
    list.n_heads = 1;
    list.heads = heads;
    list.epoch = wire_bytes(api->config.shape.epoch);
    answer.told_case = BUS__ANSWER__TOLD_HEADS;
    answer.heads = &list;
    inquiry_answer(inquiry, &answer);
}

static void answer_ended(struct inquiry *inquiry)
{
    Bus__EndedList list = BUS__ENDED_LIST__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_ENDED;
    answer.ended = &list;
    inquiry_answer(inquiry, &answer);
}

static void answer_bans(struct inquiry *inquiry)
{
    Bus__Bans bans = BUS__BANS__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_BANS;
    answer.bans = &bans;
    inquiry_answer(inquiry, &answer);
}

/* Hello: it is heard. */
static void answer_nothing(struct inquiry *inquiry)
{
    Bus__Data data = BUS__DATA__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_DATA;
    answer.data = &data;
    inquiry_answer(inquiry, &answer);
}

static void answer_presence(struct inquiry *inquiry)
{
    Bus__PresenceEntries entries = BUS__PRESENCE_ENTRIES__INIT;
    Bus__Answer answer = BUS__ANSWER__INIT;

    answer.told_case = BUS__ANSWER__TOLD_PRESENCE;
    answer.presence = &entries;
    inquiry_answer(inquiry, &answer);
}

static void on_question(void *context, struct inquiry *inquiry, const Bus__Question *question)
{
    struct fake_api *api = context;

    switch (question->ask_case) {
    case BUS__QUESTION__ASK_CONNECT:
        answer_connect(api, inquiry, question->connect);
        break;
    case BUS__QUESTION__ASK_SUBSCRIBE:
        answer_subscribe(api, inquiry);
        break;
    case BUS__QUESTION__ASK_HISTORY:
        answer_history(api, inquiry, question->history);
        break;
    case BUS__QUESTION__ASK_HEADS:
        answer_heads(api, inquiry);
        break;
    case BUS__QUESTION__ASK_ENDED_SESSIONS:
        answer_ended(inquiry);
        break;
    case BUS__QUESTION__ASK_BANS:
        answer_bans(inquiry);
        break;
    case BUS__QUESTION__ASK_HELLO:
        answer_nothing(inquiry);
        break;
    case BUS__QUESTION__ASK_PRESENCE_CHANGE:
    case BUS__QUESTION__ASK_PRESENCE_LIST:
        answer_presence(inquiry);
        break;
    default: /* Replay too: the gateway goes on with History */
        inquiry_refuse(inquiry, 108, "not available", false);
        break;
    }
}

/* ---- publishing ---- */

uint64_t fake_api_publish(struct fake_api *api)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    Bus__Item item = BUS__ITEM__INIT, *items[] = {&item};
    const uint64_t offset = ++api->last;

    buf_reset(&api->data);
    publication_data(&api->data, &api->config.shape, offset);
    buf_reset(&api->summary);
    buf_printf(&api->summary,
               "{\"type\":\"chat\",\"room_id\":\"%.*s\",\"last_seq\":%llu,\"message_no\":%llu}",
               TEXT_ARGS(room_of(api)), (unsigned long long)offset, (unsigned long long)offset);
    publication.channel = wire_bytes(api->config.shape.channel);
    publication.epoch = wire_bytes(api->config.shape.epoch);
    publication.offset = offset;
    publication.data = wire_bytes(buf_text(&api->data));
    publication.summary = wire_bytes(buf_text(&api->summary));
    item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    item.publication = &publication;
    publisher_send(
        api->publisher, items,
        1); /* one that is lost is found by the gateway, and is our business at the end */
    return offset;
}

/* ---- life ---- */

static void on_stop(uv_async_t *stop)
{
    struct fake_api *api = stop->data;

    responder_close(api->responder);
    uv_close((uv_handle_t *)stop, NULL);
}

static void *run_loop(void *arg)
{
    struct fake_api *api = arg;

    uv_run(&api->loop, UV_RUN_DEFAULT);
    return NULL;
}

enum err fake_api_open(struct fake_api **out, const struct fake_api_config *config)
{
    struct fake_api *api = xcalloc(1, sizeof(*api));
    enum err err;

    api->config = *config;
    CHECK(uv_loop_init(&api->loop) == 0);
    err = publisher_open(&api->publisher, &(struct publisher_config){.url = config->events_url,
                                                                     .secret = config->bus_key,
                                                                     .heartbeat_ms = HEARTBEAT_MS,
                                                                     .queue_limit = 1024,
                                                                     .keep_ms = KEEP_MS,
                                                                     .keep_bytes = KEEP_BYTES});
    if (err != ERR_OK)
        goto free_api;
    err = responder_open(&api->responder, &api->loop,
                         &(struct responder_config){.url = config->questions_url,
                                                    .secret = config->bus_key,
                                                    .publisher = api->publisher,
                                                    .open_limit = OPEN_LIMIT},
                         on_question, api);
    if (err != ERR_OK)
        goto close_publisher;
    CHECK(uv_async_init(&api->loop, &api->stop, on_stop) == 0);
    api->stop.data = api;
    CHECK(pthread_create(&api->thread, NULL, run_loop, api) == 0);
    *out = api;
    return ERR_OK;
close_publisher:
    publisher_close(api->publisher);
free_api:
    uv_run(&api->loop, UV_RUN_DEFAULT);
    uv_loop_close(&api->loop);
    free(api);
    return err;
}

void fake_api_close(struct fake_api *api)
{
    if (api == NULL)
        return;
    uv_async_send(&api->stop);
    pthread_join(api->thread, NULL);
    uv_loop_close(&api->loop);
    publisher_close(api->publisher);
    buf_fini(&api->data);
    buf_fini(&api->summary);
    free(api);
}
