/*
 * connects: is this session alive, and which rooms has its user? Questions of several clients go
 * together: while `bus.connect_open_max` are under way, who comes waits for one of them to be
 * answered. So when all come at once, after a restart, the APIs are asked little, whatever their
 * number. When `bus.connect_max` wait, who comes is told so (111) and comes back later.
 *
 * The user is registered (users.c) before the question is asked; what the log says meanwhile wins
 * over the answer. One that knows of bans which the loops do not waits until they do (bans.c).
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

#define USERS_MAX 100 /* in one question */

struct batch {
    struct bus_broker *broker;
    struct buf answer; /* while it waits for bans */
    size_t count;
    struct request *requests[];
};

/* ---- the grant ---- */

/* One of the rooms that a connection will hear of. */
struct room_list {
    struct text *at;
    size_t count, cap;
    struct buf bytes; /* names, while they are gathered: places in it move, so `at` holds offsets
                         until the end */
};

static void add_room(struct room_list *list, int64_t room)
{
    const size_t start = list->bytes.len;

    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 16 : list->cap * 2;
        list->at = xrealloc(list->at, list->cap * sizeof(*list->at));
    }
    buf_add_text(&list->bytes, TEXT("room:"));
    buf_add_i64(&list->bytes, room);
    list->at[list->count++] = (struct text){(char *)start, list->bytes.len - start};
}

/* They are the request's from now on. */
static void give_rooms(struct request *request, struct room_list *list)
{
    const struct text bytes = request_keep(request, buf_text(&list->bytes));
    struct text *rooms = arena_alloc(&request->arena, list->count * sizeof(*rooms));

    for (size_t i = 0; i < list->count; i++)
        rooms[i] = text_of(bytes.at + (size_t)list->at[i].at, list->at[i].len);
    request->rooms = (struct names){rooms, list->count};
    free(list->at);
    buf_fini(&list->bytes);
}

/* The loop gets its reference, and the room is followed from where the answer read the membership.
 */
static void follow(struct bus_broker *broker, struct request *request, int64_t room, uint64_t as_of,
                   struct text epoch)
{
    char name[CHANNEL_NAME_MAX + 1];
    const int len = snprintf(name, sizeof(name), "room:%lld", (long long)room);
    struct channel *channel = bus_channel(broker, text_of(name, (size_t)len), NULL);

    bus_hold(channel);
    channel->given[request->loop].member++;
    doubts_granted(broker, request->user, channel_text(channel), as_of);
    bus_place(broker, channel, as_of, epoch);
    bus_unhold(broker, channel);
}

static bool is_removed(const struct fact *fact, uint64_t as_of)
{
    return fact != NULL && fact->removed && fact->offset > as_of;
}

static void grant_told(struct bus_broker *broker, struct request *request,
                       const Bus__ConnectedUser *told, struct text epoch, struct room_list *list)
{
    for (size_t i = 0; i < told->n_rooms; i++) {
        const Bus__RoomPosition *position = told->rooms[i];
        int64_t room;
        if (!id_parse(wire_text(position->room), &room))
            continue;
        struct fact *fact = (struct fact *)user_fact(request->owner, room);
        const bool removed = is_removed(fact, position->as_of);
        if (fact != NULL)
            fact->told_to = request; /* settled: grant_newer() has nothing to add */
        if (removed)
            continue;
        follow(broker, request, room, position->as_of, epoch);
        add_room(list, room);
    }
}

/* Rooms that the answer did not know of yet. */
static void grant_newer(struct bus_broker *broker, struct request *request, struct text epoch,
                        struct room_list *list)
{
    for (uint32_t i = 0; i < request->owner->fact_count; i++) {
        const struct fact *fact = &request->owner->facts[i];
        if (fact->removed || fact->told_to == request)
            continue;
        follow(broker, request, fact->room, fact->offset, epoch);
        add_room(list, fact->room);
    }
}

void connects_give_rooms(struct bus_broker *broker, struct request *request,
                         const Bus__ConnectedUser *told, struct text epoch)
{
    struct room_list list = {0};

    grant_told(broker, request, told, epoch, &list);
    grant_newer(broker, request, epoch, &list);
    give_rooms(request, &list);
}

static void grant(struct bus_broker *broker, struct request *request, const Bus__ConnectedUser *told,
                  struct text epoch)
{
    char name[CHANNEL_NAME_MAX + 1];
    struct channel *own = bus_channel(broker, channel_name_make(name, "user:", request->user), NULL);

    if (!channel_is_listened_to(own))
        lookers_online(broker->lookers, request->user, true);
    own->given[request->loop].full++;
    connects_give_rooms(broker, request, told, epoch);
    request->outcome = REQUEST_DONE;
}

/* ---- the answer ---- */

static bool has_ended(struct bus_broker *broker, const struct request *request)
{
    int64_t session;

    return request->overtaken ||
           (id_parse(request->session, &session) && ended_has(&broker->ended, session));
}

static void take(struct bus_broker *broker, struct request *request, const Bus__ConnectedUser *told,
                 struct text epoch)
{
    if (!told->alive || has_ended(broker, request))
        request_disconnect(request, DISCONNECT_SESSION_ENDED.code,
                           text(DISCONNECT_SESSION_ENDED.reason));
    else if (request->owner->too_many)
        request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    else
        grant(broker, request, told, epoch);
}

const Bus__Connected *connects_told(enum err err, const Bus__Answer *answer, size_t asked)
{
    if (err == ERR_OK && answer->error_code == 0 &&
        answer->told_case == BUS__ANSWER__TOLD_CONNECTED && answer->connected->n_users > 0 &&
        answer->connected->n_users <= asked)
        return answer->connected;
    return NULL;
}

/* Nobody answered those before them: they would only wait as long again, and their clients come back
 * later by themselves. */
static void fail_waiting(struct bus_broker *broker)
{
    for (struct request *request; (request = request_queue_pop(&broker->connects)) != NULL;)
        bus_fail(broker, request);
}

static void take_all(struct batch *batch, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = batch->broker;
    const Bus__Connected *told = connects_told(err, answer, batch->count);

    broker->connects_open--; /* connects_flush() follows at the end of this turn */
    if (err == ERR_TIMEOUT)
        fail_waiting(broker);
    for (size_t i = 0; i < batch->count; i++) {
        struct request *request = batch->requests[i];
        if (told != NULL && i >= told->n_users) {
            request_queue_push(&broker->connects, request); /* their rooms did not fit */
        } else if (told != NULL) {
            take(broker, request, told->users[i], wire_text(told->epoch));
            bus_answer(broker, request);
        } else if (bus_succeeded(broker, request, err, answer)) {
            bus_fail(broker, request); /* an answer that makes no sense */
        } else {
            bus_answer(broker, request);
        }
    }
    buf_fini(&batch->answer);
    free(batch);
}

static void on_bans_known(void *context, bool known)
{
    struct batch *batch = context;
    Bus__Answer *answer = wire_read_answer(buf_text(&batch->answer));

    CHECK(answer != NULL); /* it was read before */
    take_all(batch, known ? ERR_OK : ERR_UNAVAILABLE, answer);
    wire_free_answer(answer);
}

static void on_connected(void *context, enum err err, const Bus__Answer *answer)
{
    struct batch *batch = context;
    struct bus_broker *broker = batch->broker;
    const Bus__Connected *told = connects_told(err, answer, batch->count);

    if (told != NULL && broker->ended.number == 0)
        broker->ended.number = told->ended_number;
    if (told == NULL || bans_are_known(broker, told->ban_number)) {
        take_all(batch, err, answer);
        return;
    }
    wire_pack(&batch->answer, &answer->base);
    bans_ask(broker, on_bans_known, batch);
}

/* ---- the question ---- */

static void ask(struct bus_broker *broker, struct batch *batch)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Connect connect = BUS__CONNECT__INIT;
    Bus__ConnectUser users[USERS_MAX], *list[USERS_MAX];

    for (size_t i = 0; i < batch->count; i++) {
        bus__connect_user__init(&users[i]);
        users[i].user = wire_bytes(batch->requests[i]->user);
        users[i].session = wire_bytes(batch->requests[i]->session);
        list[i] = &users[i];
    }
    connect.n_users = batch->count;
    connect.users = list;
    question.ask_case = BUS__QUESTION__ASK_CONNECT;
    question.connect = &connect;
    bus_ask(broker, ASKER_ANY, &question, on_connected, batch);
}

static void ask_next(struct bus_broker *broker)
{
    struct batch *batch = xcalloc(1, sizeof(*batch) + USERS_MAX * sizeof(struct request *));

    batch->broker = broker;
    while (broker->connects.first != NULL && batch->count < USERS_MAX)
        batch->requests[batch->count++] = request_queue_pop(&broker->connects);
    broker->connects_open++;
    ask(broker, batch);
}

void connects_flush(struct bus_broker *broker)
{
    const size_t open_max = (size_t)broker->base.settings->bus.connect_open_max;

    while (broker->connects.first != NULL && broker->connects_open < open_max)
        ask_next(broker);
}

void connects_add(struct bus_broker *broker, struct request *request)
{
    if (broker->connects.count >= (size_t)broker->base.settings->bus.connect_max) {
        metrics_add(&broker->base.metrics, METRIC_CONNECTS_BUSY, 1);
        request_fail(request, PROTOCOL_TOO_MANY_REQUESTS, (struct text){0}, true);
        bus_answer(broker, request);
        return;
    }
    users_open(&broker->users, request);
    request_queue_push(&broker->connects, request);
}
