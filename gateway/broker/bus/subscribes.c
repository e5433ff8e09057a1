/*
 * subscribes: may this user follow this channel, and from where?
 *
 *   start -> (held, asked) -> on_subscribed -> wait until the channel has caught up with the answer
 *         -> recover (from the ring, or History) -> grant: reference, position and answer in one
 * step
 *
 * A member of a room, as the loop knows, needs no API: the room is followed here, and what the log
 * says of members is applied in its place. The loop looks once more when it has the answer.
 *
 * Of somebody's status the answer brings the state. It may be older than what was published while the question was open, which nobody here was
 * told: then it is asked again.
 *
 * For the operator's channels the loop has decided who may; an API is asked where the stream is, if
 * the position matters and is not known here: on_head(), and on as above.
 *
 * The channel is held from before the question is asked, so nothing of it passes unseen. It fails
 * when nobody answers in time (100, the client tries again), when the API says no, or when the log
 * said meanwhile that the user was removed (103).
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channels/patterns.h"
#include "gateway/channel_name.h"

#define TRIES_MAX               3 /* questions about one subscription, when the log contradicts the answer */

static void ask(struct bus_broker *broker, struct request *request);

static void refuse(struct bus_broker *broker, struct request *request, int code)
{
    request_fail(request, code, (struct text){0}, false);
    bus_answer(broker, request);
}

static int64_t room_of(const struct request *request)
{
    int64_t room = 0;

    if (channel_name_kind(request->channel) == CHANNEL_NAME_STATUS)
        return 0; /* a person's id */
    return id_parse(channel_name_id(request->channel), &room) ? room : 0;
}

/* ---- the grant ---- */

/* What the log said while the question was open. A fact that cannot be compared with the answer has
 * it asked again. */
enum standing { STANDING_GOOD, STANDING_REMOVED, STANDING_UNCLEAR };

static enum standing standing(const struct request *request)
{
    const struct fact *fact = user_fact(request->owner, room_of(request));

    if (request->owner->too_many)
        return STANDING_UNCLEAR;
    if (fact == NULL || !fact->removed)
        return STANDING_GOOD;
    if (request->as_of == 0)
        return STANDING_UNCLEAR;
    return fact->offset > request->as_of ? STANDING_REMOVED : STANDING_GOOD;
}

/* True: the request was dealt with, there is nothing to grant. */
static bool is_overtaken(struct bus_broker *broker, struct request *request)
{
    if (request->overtaken) {
        request_disconnect(request, DISCONNECT_SESSION_ENDED.code,
                           text(DISCONNECT_SESSION_ENDED.reason));
        bus_answer(broker, request);
        return true;
    }
    switch (standing(request)) {
    case STANDING_GOOD:
        return false;
    case STANDING_REMOVED:
        refuse(broker, request, PROTOCOL_PERMISSION_DENIED);
        return true;
    case STANDING_UNCLEAR:
        break;
    }
    if (request->tries >= TRIES_MAX) {
        bus_fail(broker, request);
        return true;
    }
    users_close(&broker->users, request); /* the next answer is younger than what was noted */
    users_open(&broker->users, request);
    ask(broker, request);
    return true;
}

/* Whom a product's channel tells of is known by name alone. */
static void enter(struct bus_broker *broker, const struct request *request)
{
    const struct client_info product = {.user = request->user, .client = request->client_id};

    if (request->namespace == NULL)
        lookers_joined(broker->lookers, request->channel, &product, true, true);
    else if (request->has_info && request->info.client.len > 0)
        lookers_joined(broker->lookers, request->channel, &request->info, request->tells_presence,
                       request->tells_join_leave);
}

static void grant(struct bus_broker *broker, struct request *request)
{
    struct channel *channel = request->about;

    if (request->owner != NULL && is_overtaken(broker, request))
        return;
    request->outcome = REQUEST_DONE;
    listening_give(broker, channel, request->loop);
    if (request->tells_presence || request->tells_join_leave)
        enter(broker, request);
    bus_answer(broker, request);
}

void subscribes_grant_at(struct request *request, bool recovered)
{
    struct bus_broker *broker = request->broker;
    const struct channel *channel = request->about;

    if (request->recover)
        metrics_add(&broker->base.metrics,
                    recovered ? METRIC_RECOVERIES : METRIC_RECOVERIES_FAILED, 1);
    if (request->recover && !recovered &&
        (request->flag & SUBSCRIBE_FLAG_REJECT_UNRECOVERED) != 0) {
        refuse(broker, request, PROTOCOL_UNRECOVERABLE);
        return;
    }
    request->position = channel->next - 1;
    request->position_epoch = request_keep(request, text(channel->epoch));
    request->recovered = recovered;
    grant(broker, request);
}

void subscribes_go_on(struct request *request)
{
    if (request->recover && request->cache_recovery)
        latest_recover(request);
    else if (request->recover)
        recover_start(request);
    else
        subscribes_grant_at(request, false);
}

/* ---- the answer ---- */

void subscribes_wait(struct request *request)
{
    struct channel *channel = request->about;

    if (channel->next > request->as_of) {
        subscribes_go_on(request);
        return;
    }
    LL_PREPEND2(channel->waiting, request, waiting);
}

/* Where an answer says that the log is. One of an epoch that was left says nothing of the present one. */
static void place(struct request *request, struct text epoch)
{
    bus_place(request->broker, request->about, request->as_of, epoch);
    if (!channel_has_epoch(request->about, epoch))
        request->as_of = 0;
    subscribes_wait(request);
}

static void take_state(struct bus_broker *broker, struct request *request, struct text state)
{
    if (request->about->heard != request->offset && request->tries < TRIES_MAX) {
        ask(broker, request);
    } else if (request->about->heard != request->offset) {
        bus_fail(broker, request); /* it changes all the time: the client comes back */
    } else {
        request->told = request_keep(request, state);
        grant(broker, request);
    }
}

static void on_subscribed(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;
    struct bus_broker *broker = request->broker;
    const struct fact *fact = user_fact(request->owner, room_of(request));

    /* No, but the log said yes meanwhile: which of the two is newer cannot be told from here. */
    if (err == ERR_OK && answer->error_code == PROTOCOL_PERMISSION_DENIED && fact != NULL &&
        !fact->removed && request->tries < TRIES_MAX) {
        ask(broker, request);
        return;
    }
    if (!bus_succeeded(broker, request, err, answer)) {
        bus_answer(broker, request);
        return;
    }
    if (answer->told_case != BUS__ANSWER__TOLD_SUBSCRIBED) {
        bus_fail(broker, request);
        return;
    }
    if (channel_name_kind(request->channel) == CHANNEL_NAME_STATUS) {
        take_state(broker, request, wire_text(answer->subscribed->data));
        return;
    }
    request->as_of = answer->subscribed->offset;
    if (channel_name_kind(request->channel) != CHANNEL_NAME_ROOM) {
        grant(broker, request);
        return;
    }
    doubts_granted(broker, request->user, request->channel, request->as_of);
    place(request, wire_text(answer->subscribed->epoch));
}

static void ask(struct bus_broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Subscribe subscribe = BUS__SUBSCRIBE__INIT;

    request->tries++;
    request->by_membership = false;
    if (channel_name_kind(request->channel) == CHANNEL_NAME_STATUS)
        request->offset = request->about->heard; /* it has no other position */
    subscribe.user = wire_bytes(request->user);
    subscribe.session = wire_bytes(request->session);
    subscribe.channel = wire_bytes(request->channel);
    question.ask_case = BUS__QUESTION__ASK_SUBSCRIBE;
    question.subscribe = &subscribe;
    bus_ask(broker, ASKER_ANY, &question, on_subscribed, request);
}

/* ---- members ---- */

/* Where the log is known, and the client was not further elsewhere. */
static bool is_placed(const struct request *request)
{
    const struct channel *channel = request->about;

    return channel->state != CHANNEL_OPENING && channel->epoch != NULL &&
           (!request->recover || (request->offset < channel->next &&
                                  channel_has_epoch(channel, request->epoch)));
}

static void start_of_member(struct bus_broker *broker, struct request *request)
{
    const struct channel *channel = request->about;

    request->by_membership = true;
    if (channel_name_kind(request->channel) != CHANNEL_NAME_ROOM) {
        grant(broker, request);
        return;
    }
    request->as_of = channel->next - 1;
    subscribes_go_on(request);
}

/* ---- the operator's channels ---- */

static void on_head(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;
    struct bus_broker *broker = request->broker;
    const Bus__Head *head;

    if (!bus_succeeded(broker, request, err, answer)) {
        bus_answer(broker, request);
        return;
    }
    if (answer->told_case != BUS__ANSWER__TOLD_HEADS || answer->heads->n_heads != 1) {
        bus_fail(broker, request);
        return;
    }
    head = answer->heads->heads[0];
    request->as_of = head->offset;
    place(request, wire_text(head->epoch));
}

static void ask_head(struct bus_broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamHeads heads = BUS__STREAM_HEADS__INIT;
    Bus__StreamHead head = BUS__STREAM_HEAD__INIT, *list[] = {&head};

    head.channel = wire_bytes(request->channel);
    head.history_meta_ttl_ms = request->namespace->history_meta_ttl_ms;
    heads.n_streams = 1;
    heads.streams = list;
    question.ask_case = BUS__QUESTION__ASK_STREAM_HEADS;
    question.stream_heads = &heads;
    bus_ask(broker, ASKER_ANY, &question, on_head, request);
}

/* Others follow it here, and nothing is missing: a new one may begin where they are. */
static bool is_known_here(const struct request *request)
{
    const struct channel *channel = request->about;

    return channel->state == CHANNEL_LIVE && channel_is_followed(channel) && is_placed(request);
}

static void start_operators(struct bus_broker *broker, struct request *request)
{
    struct channel *channel = request->about;
    const bool is_pattern = pattern_is(request->channel, request->namespace);

    if (is_pattern && !listening_take_pattern(broker, channel))
        refuse(broker, request, PROTOCOL_LIMIT_EXCEEDED);
    else if (!channel->streamed || !(request->wants_position || request->wants_recovery))
        grant(broker, request);
    else if (is_known_here(request))
        subscribes_go_on(request);
    else
        ask_head(broker, request);
}

void subscribes_start(struct bus_broker *broker, struct request *request)
{
    request->about = bus_channel(broker, request->channel, request->namespace);
    bus_hold(request->about);
    if (request->namespace != NULL) {
        start_operators(broker, request);
        return;
    }
    if (channel_name_kind(request->channel) == CHANNEL_NAME_PUBLIC) {
        grant(broker, request);
        return;
    }
    users_open(&broker->users, request);
    if (request->is_member && (channel_name_kind(request->channel) != CHANNEL_NAME_ROOM || is_placed(request)))
        start_of_member(broker, request);
    else
        ask(broker, request);
}
