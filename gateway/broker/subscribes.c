/*
 * subscribes: may this user follow this channel, and from where?
 *
 *   start -> (held, asked) -> on_subscribed -> wait until the channel has caught up with the answer
 *         -> recover (from the ring, or History) -> grant: reference, position and answer in one
 * step
 *
 * The channel is held from before the question is asked, so nothing of it passes unseen. It fails
 * when nobody answers in time (100, the client tries again), when the API says no, or when the log
 * said meanwhile that the user was removed (103).
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "gateway/broker/broker_state.h"
#include "gateway/channel_name.h"

#define FLAG_REJECT_UNRECOVERED 2 /* of the subscribe command */
#define TRIES_MAX               3 /* questions about one subscription, when the log contradicts the answer */

static void ask(struct broker *broker, struct request *request);

static void refuse(struct broker *broker, struct request *request, int code)
{
    request_fail(request, code, (struct text){0}, false);
    broker_answer(broker, request);
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
static bool is_overtaken(struct broker *broker, struct request *request)
{
    if (request->overtaken) {
        request_disconnect(request, DISCONNECT_SESSION_ENDED.code,
                           text(DISCONNECT_SESSION_ENDED.reason));
        broker_answer(broker, request);
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
        broker_fail(broker, request);
        return true;
    }
    users_close(&broker->users, request); /* the next answer is younger than what was noted */
    users_open(&broker->users, request);
    ask(broker, request);
    return true;
}

static void reply(struct request *request, const struct subscribe_result *result)
{
    frame_begin(&request->reply);
    protocol_subscribe(&request->reply, request->id, result);
    request->outcome = REQUEST_DONE;
}

static void grant(struct broker *broker, struct request *request,
                  const struct subscribe_result *result)
{
    struct channel *channel = request->about;

    if (request->owner != NULL && is_overtaken(broker, request))
        return;
    reply(request, result);
    channel->given[request->loop].full++;
    if (channel_name_kind(request->channel) == CHANNEL_NAME_LIVE)
        lookers_joined(broker->lookers, request->channel, request->user, request->client_id);
    broker_answer(broker, request);
}

/* ---- recovery ---- */

static void grant_room(struct request *request, bool recovered,
                       const struct publication *publications, size_t count)
{
    struct broker *broker = request->broker;
    const struct channel *channel = request->about;

    if (request->recover)
        metrics_add(&broker->metrics, recovered ? METRIC_RECOVERIES : METRIC_RECOVERIES_FAILED, 1);
    if (request->recover && !recovered && (request->flag & FLAG_REJECT_UNRECOVERED) != 0) {
        refuse(broker, request, PROTOCOL_UNRECOVERABLE);
        return;
    }
    grant(broker, request,
          &(struct subscribe_result){
              .recoverable = true,
              .positioned = true,
              .epoch = text(channel->epoch),
              .was_recovering = request->recover,
              .recovered = recovered,
              /* A client that recovered counts on over the publications from where it was. */
              .offset = recovered ? request->offset : channel->next - 1,
              .publications = publications,
              .publication_count = count,
          });
}

/* What a subscriber missed, gathered within its bounds. */
struct missed {
    struct publication *at;
    size_t count, max;
    size_t bytes, max_bytes;
    uint64_t next; /* offset that must come next */
    bool good;
};

static void missed_add(struct missed *missed, uint64_t offset, struct text data, struct text epoch)
{
    if (!missed->good || offset < missed->next)
        return;
    missed->bytes += data.len;
    if (offset != missed->next || missed->count == missed->max ||
        missed->bytes > missed->max_bytes) {
        missed->good = false;
        return;
    }
    missed->at[missed->count++] =
        (struct publication){.data = data, .offset = offset, .epoch = epoch};
    missed->next++;
}

static struct missed missed_begin(const struct request *request)
{
    const struct settings *settings = request->broker->settings;
    const size_t max = (size_t)settings->client.recovery_max_publications;

    return (struct missed){
        .at = xcalloc(max + 1, sizeof(struct publication)),
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
        missed_add(missed, entry->frame->offset, frame_data(entry->frame), text(channel->epoch));
}

/* Grants with what was gathered, if it reaches the present. */
static void missed_end(struct missed *missed, struct request *request)
{
    const bool recovered = missed->good && missed->next == request->about->next;

    grant_room(request, recovered, recovered ? missed->at : NULL, recovered ? missed->count : 0);
    free(missed->at);
}

/* Publications that came meanwhile are in the ring, since the channel is held. */
static void on_history(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;
    struct missed missed;

    if (!broker_succeeded(request->broker, request, err, answer)) {
        broker_answer(request->broker, request);
        return;
    }
    missed = missed_begin(request);
    if (answer->told_case != BUS__ANSWER__TOLD_PUBLICATIONS ||
        !channel_has_epoch(request->about, request->epoch) || /* it may have ended meanwhile */
        !channel_has_epoch(request->about, wire_text(answer->publications->epoch)))
        missed.good = false;
    for (size_t i = 0; missed.good && i < answer->publications->n_items; i++) {
        const Bus__Publication *item = answer->publications->items[i];
        if (item->offset < request->about->next) /* the others will come behind the answer */
            missed_add(&missed, item->offset, wire_text(item->data), wire_text(item->epoch));
    }
    add_from_ring(&missed, request->about);
    missed_end(&missed, request);
}

static void ask_history(struct broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__History history = BUS__HISTORY__INIT;

    history.channel = wire_bytes(request->channel);
    history.after = request->offset;
    history.limit = (uint32_t)broker->settings->client.recovery_max_publications;
    history.bytes = (uint32_t)broker->settings->client.recovery_max_bytes;
    question.ask_case = BUS__QUESTION__ASK_HISTORY;
    question.history = &history;
    broker_ask(broker, ASKER_ANY, &question, on_history, request);
}

static void recover(struct broker *broker, struct request *request)
{
    const struct channel *channel = request->about;
    const uint64_t top = channel->next - 1;
    struct missed missed;

    if (!channel_has_epoch(channel, request->epoch) || request->offset > top ||
        top - request->offset > (uint64_t)broker->settings->client.recovery_max_publications) {
        grant_room(request, false, NULL, 0);
        return;
    }
    if (request->offset < top && ring_find(&channel->ring, request->offset + 1) == NULL) {
        ask_history(broker, request);
        return;
    }
    missed = missed_begin(request);
    add_from_ring(&missed, channel);
    missed_end(&missed, request);
}

void subscribes_go_on(struct request *request)
{
    if (request->recover)
        recover(request->broker, request);
    else
        grant_room(request, false, NULL, 0);
}

/* ---- the answer ---- */

static void wait_or_go_on(struct broker *broker, struct request *request)
{
    struct channel *channel = request->about;

    if (channel->next > request->as_of) {
        subscribes_go_on(request);
        return;
    }
    LL_PREPEND2(channel->waiting, request, waiting);
}

static void on_subscribed(void *context, enum err err, const Bus__Answer *answer)
{
    struct request *request = context;
    struct broker *broker = request->broker;
    const struct fact *fact = user_fact(request->owner, room_of(request));

    /* No, but the log said yes meanwhile: which of the two is newer cannot be told from here. */
    if (err == ERR_OK && answer->error_code == PROTOCOL_PERMISSION_DENIED && fact != NULL &&
        !fact->removed && request->tries < TRIES_MAX) {
        ask(broker, request);
        return;
    }
    if (!broker_succeeded(broker, request, err, answer)) {
        broker_answer(broker, request);
        return;
    }
    if (answer->told_case != BUS__ANSWER__TOLD_SUBSCRIBED) {
        broker_fail(broker, request);
        return;
    }
    request->as_of = answer->subscribed->offset;
    if (channel_name_kind(request->channel) != CHANNEL_NAME_ROOM) {
        grant(broker, request, &(struct subscribe_result){0});
        return;
    }
    broker_place(broker, request->about, request->as_of, wire_text(answer->subscribed->epoch));
    wait_or_go_on(broker, request);
}

static void ask(struct broker *broker, struct request *request)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Subscribe subscribe = BUS__SUBSCRIBE__INIT;

    request->tries++;
    subscribe.user = wire_bytes(request->user);
    subscribe.session = wire_bytes(request->session);
    subscribe.channel = wire_bytes(request->channel);
    question.ask_case = BUS__QUESTION__ASK_SUBSCRIBE;
    question.subscribe = &subscribe;
    broker_ask(broker, ASKER_ANY, &question, on_subscribed, request);
}

void subscribes_start(struct broker *broker, struct request *request)
{
    request->about = broker_channel(broker, request->channel);
    broker_hold(request->about);
    if (channel_name_kind(request->channel) == CHANNEL_NAME_PUBLIC) {
        grant(broker, request, &(struct subscribe_result){0});
        return;
    }
    users_open(&broker->users, request);
    ask(broker, request);
}
