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

/* ---- recovery ---- */

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

/* What a subscriber missed is gathered in its request, within its bounds. */
struct missed {
    struct request *request;
    size_t max;
    size_t bytes, max_bytes;
    uint64_t next; /* offset that must come next */
    bool good;
};

static void missed_add(struct missed *missed, struct parcel *parcel)
{
    if (!missed->good || parcel->offset < missed->next)
        return;
    missed->bytes += parcel->data.len;
    if (parcel->offset != missed->next || missed->request->publication_count == missed->max ||
        missed->bytes > missed->max_bytes) {
        missed->good = false;
        return;
    }
    request_add_publication(missed->request, parcel);
    missed->next++;
}

static struct missed missed_begin(struct request *request)
{
    const struct settings *settings = request->broker->base.settings;
    const size_t max = (size_t)settings->client.recovery_max_publications;

    request_begin_publications(request, max);
    return (struct missed){
        .request = request,
        .max = max,
        .max_bytes = (size_t)settings->client.recovery_max_bytes,
        .next = request->offset + 1,
        .good = true,
    };
}

static void add_from_ring(struct missed *missed, const struct channel *channel)
{
    const struct ring_entry *entry = ring_find(&channel->ring, missed->next);

    for (; entry != NULL; entry = entry->newer)
        missed_add(missed, entry->parcel);
}

/* Grants with what was gathered, if it reaches the present. */
static void missed_end(struct missed *missed)
{
    struct request *request = missed->request;
    const bool recovered = missed->good && missed->next == request->about->next;

    if (!recovered)
        request_drop_publications(request);
    subscribes_grant_at(request, recovered);
}

/* One question for all who come back at once: who missed as much or less waits for the same answer. */
struct shared_history {
    struct channel *channel;
    uint64_t after;
    struct request *waiting; /* a list; the first has asked */
};

/* What an answer told, for all of them. */
struct told_history {
    struct parcel **parcels; /* ascending */
    size_t count;
    uint64_t top;
    bool good; /* of the channel's epoch */
};

static struct told_history read_history(const struct channel *channel, const Bus__Answer *answer)
{
    struct told_history told = {0};

    if (answer->told_case != BUS__ANSWER__TOLD_PUBLICATIONS ||
        !channel_has_epoch(channel, wire_text(answer->publications->epoch)))
        return told;
    told.good = true;
    told.top = answer->publications->offset;
    told.count = answer->publications->n_items;
    told.parcels = xcalloc(told.count + 1, sizeof(*told.parcels));
    for (size_t i = 0; i < told.count; i++)
        told.parcels[i] = bus_parcel(answer->publications->items[i]);
    return told;
}

/* Its bytes ended it: who missed less may need what is behind. */
static bool is_cut(const struct told_history *told)
{
    return told->count > 0 && told->parcels[told->count - 1]->offset < told->top;
}

static void told_history_fini(struct told_history *told)
{
    for (size_t i = 0; i < told->count; i++)
        parcel_unref(told->parcels[i]);
    free(told->parcels);
}

/* Publications that came meanwhile are in the ring, since the channel is held. */
static void recover_from(struct request *request, const struct told_history *told)
{
    struct missed missed = missed_begin(request);

    if (!told->good || !channel_has_epoch(request->about, request->epoch)) /* it may have ended meanwhile */
        missed.good = false;
    for (size_t i = 0; missed.good && i < told->count; i++) {
        if (told->parcels[i]->offset >= request->about->next)
            break; /* the others will come behind the answer */
        missed_add(&missed, told->parcels[i]);
    }
    /* What a stream does not tell any more, the ring must not tell either. */
    if (request->namespace != NULL && missed.next <= told->top && missed.next < request->about->next)
        missed.good = false;
    add_from_ring(&missed, request->about);
    missed_end(&missed);
}

static void ask_history(struct bus_broker *broker, struct request *request);

static void on_history(void *context, enum err err, const Bus__Answer *answer)
{
    struct shared_history *shared = context;
    struct request *request = shared->waiting, *next;
    struct bus_broker *broker = request->broker;
    struct channel *channel = shared->channel;
    struct told_history told = {0};
    const uint64_t after = shared->after;

    bus_hold(channel); /* answers let go of it */
    if (channel->shared == shared)
        channel->shared = NULL;
    free(shared);
    if (err == ERR_OK && answer->error_code == 0)
        told = read_history(channel, answer);
    for (; request != NULL; request = next) {
        next = request->waiting;
        if (!bus_succeeded(broker, request, err, answer))
            bus_answer(broker, request);
        else if (is_cut(&told) && request->offset > after)
            ask_history(broker, request);
        else
            recover_from(request, &told);
    }
    told_history_fini(&told);
    bus_unhold(broker, channel);
}

static void ask_history(struct bus_broker *broker, struct request *request)
{
    const struct settings *settings = broker->base.settings;
    struct channel *channel = request->about;
    struct shared_history *shared = channel->shared;

    request->waiting = NULL;
    if (shared != NULL && request->offset >= shared->after) {
        LL_PREPEND2(shared->waiting->waiting, request, waiting);
        return;
    }
    shared = xcalloc(1, sizeof(*shared));
    *shared = (struct shared_history){channel, request->offset, request};
    if (channel->shared == NULL)
        channel->shared = shared;
    bus_ask_log(broker, channel, request->offset,
                (uint32_t)settings->client.recovery_max_publications,
                (uint32_t)settings->client.recovery_max_bytes, on_history, shared);
}

static void recover(struct bus_broker *broker, struct request *request)
{
    struct channel *channel = request->about;
    const uint64_t top = channel->next - 1;
    struct missed missed;

    if (!channel_has_epoch(channel, request->epoch) || request->offset > top ||
        top - request->offset > (uint64_t)broker->base.settings->client.recovery_max_publications) {
        subscribes_grant_at(request, false);
        return;
    }
    if (request->offset < top && listening_ring(broker, channel, request->offset + 1) == NULL) {
        ask_history(broker, request);
        return;
    }
    missed = missed_begin(request);
    add_from_ring(&missed, channel);
    missed_end(&missed);
}

void subscribes_go_on(struct request *request)
{
    if (request->recover && request->cache_recovery)
        latest_recover(request);
    else if (request->recover)
        recover(request->broker, request);
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
    request->as_of = answer->subscribed->offset;
    if (channel_name_kind(request->channel) != CHANNEL_NAME_ROOM) {
        grant(broker, request);
        return;
    }
    place(request, wire_text(answer->subscribed->epoch));
}

static void ask(struct bus_broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Subscribe subscribe = BUS__SUBSCRIBE__INIT;

    request->tries++;
    request->by_membership = false;
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
