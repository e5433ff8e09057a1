/*
 * doubts: is this person a member of that room?
 *
 * A room is followed from where an answer says that its log is. What the log said before, and the bus
 * brings later, is no news to those who follow the room; but it may add or remove somebody else who is
 * here. Taken out of its order it would be luck, since what came after it may have been heard already.
 * So an API is asked how it stands, for all such people together, and what the log says meanwhile wins
 * over the answer (users.c). Until then nobody is let in, and nobody thrown out.
 *
 *   doubts_note() -> (end of the turn) ask -> on_told -> settle each -> ask the next
 *
 * Of more doubts than `heal.doubt_max` the people are closed: they come back, and their Connect tells. So
 * it is when the API cannot tell, being older than this question.
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

#define PAGE_MAX 200 /* doubts in one question */

/* Each is a request, open with users.c. The oldest `asked` of them are in the question under way. */
struct bus_doubts {
    struct request_queue queue;
    size_t asked;
    uv_timer_t timer; /* runs: nobody answered, it is tried again later */
};

/* ---- the answer ---- */

/* To the loops that have connections of this person; a notice for each of them. */
static void post(struct bus_broker *broker, const struct channel *own, unsigned loop, struct notice *notice)
{
    if (own->given[loop].full > 0)
        port_post_notice(broker->base.ports[loop], notice);
    else
        notice_destroy(notice);
}

static void let_in(struct bus_broker *broker, const struct request *doubt, const struct channel *own,
                   uint64_t as_of, struct text epoch)
{
    struct text rooms[] = {doubt->channel};
    struct channel *room = bus_channel(broker, doubt->channel, NULL);

    bus_hold(room);
    for (unsigned i = 0; i < broker->base.port_count; i++) {
        room->given[i].member += own->given[i].full > 0;
        post(broker, own, i, notice_rooms(doubt->user, &(struct names){rooms, 1}));
    }
    bus_place(broker, room, as_of, epoch);
    bus_unhold(broker, room);
}

static void throw_out(struct bus_broker *broker, const struct request *doubt, const struct channel *own)
{
    for (unsigned i = 0; i < broker->base.port_count; i++)
        post(broker, own, i, notice_removed(doubt->user, doubt->channel));
}

/* Their own Connect tells them. */
static void close_all_of(struct bus_broker *broker, struct text user)
{
    const struct channel *own = bus_find_own(broker, user);

    metrics_add(&broker->base.metrics, METRIC_DOUBTS_CLOSED, 1);
    for (unsigned i = 0; own != NULL && i < broker->base.port_count; i++)
        post(broker, own, i,
             notice_disconnect(user, (struct text){0}, DISCONNECT_INSUFFICIENT_STATE.code,
                               text(DISCONNECT_INSUFFICIENT_STATE.reason)));
}

/* The newest of what was told, of what another answer granted since, and of what the log said since. */
static bool is_member(const struct request *doubt, const Bus__Standing *told, uint64_t *as_of)
{
    const bool is_granted = doubt->as_of > told->as_of;
    int64_t room = 0;
    const struct fact *fact =
        id_parse(channel_name_id(doubt->channel), &room) ? user_fact(doubt->owner, room) : NULL;

    *as_of = is_granted ? doubt->as_of : told->as_of;
    if (fact == NULL || fact->offset <= *as_of)
        return is_granted || told->member;
    *as_of = fact->offset;
    return !fact->removed;
}

static void settle(struct bus_broker *broker, const struct request *doubt, const Bus__Standing *told,
                   struct text epoch)
{
    const struct channel *room = bus_find(broker, doubt->channel);
    struct channel *own = bus_find_own(broker, doubt->user);
    uint64_t as_of;

    if (own == NULL || (room != NULL && bus_has_left(broker, room, epoch)))
        return; /* nobody of them is here any more; or all members are asked anew, since there is another log */
    bus_hold(own);
    if (is_member(doubt, told, &as_of))
        let_in(broker, doubt, own, as_of, epoch);
    else
        throw_out(broker, doubt, own);
    bus_unhold(broker, own);
}

/* `told` NULL: it cannot be told. */
static void settle_all(struct bus_broker *broker, size_t count, const Bus__MembershipList *told)
{
    for (size_t i = 0; i < count; i++) {
        struct request *doubt = request_queue_pop(&broker->doubts->queue);
        if (told == NULL || doubt->owner->too_many)
            close_all_of(broker, doubt->user);
        else
            settle(broker, doubt, told->standings[i], wire_text(told->epoch));
        users_close(&broker->users, doubt);
        request_destroy(doubt);
    }
}

static void on_timer(uv_timer_t *timer)
{
    /* doubts_flush() follows at the end of this turn */
}

static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;
    struct bus_doubts *doubts = broker->doubts;
    const size_t asked = doubts->asked;

    doubts->asked = 0; /* doubts_flush() follows at the end of this turn */
    if (err == ERR_OK && answer->error_code == 0 && answer->told_case == BUS__ANSWER__TOLD_MEMBERSHIPS &&
        answer->memberships->n_standings == asked)
        settle_all(broker, asked, answer->memberships);
    else if (err == ERR_OK && answer->error_code != 0 && !answer->error_temporary)
        settle_all(broker, asked, NULL);
    else
        uv_timer_start(&doubts->timer, on_timer, (uint64_t)broker->base.settings->heal.retry_ms, 0);
}

/* ---- the question ---- */

void doubts_flush(struct bus_broker *broker)
{
    struct bus_doubts *doubts = broker->doubts;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Memberships memberships = BUS__MEMBERSHIPS__INIT;
    Bus__Membership asked[PAGE_MAX], *list[PAGE_MAX];
    const struct request *doubt = doubts->queue.first;

    if (doubt == NULL || doubts->asked > 0 || uv_is_active((uv_handle_t *)&doubts->timer))
        return;
    for (; doubt != NULL && doubts->asked < PAGE_MAX; doubt = doubt->waiting) {
        Bus__Membership *membership = list[doubts->asked] = &asked[doubts->asked];
        bus__membership__init(membership);
        membership->user = wire_bytes(doubt->user);
        membership->room = wire_bytes(channel_name_id(doubt->channel));
        doubts->asked++;
    }
    memberships.n_asked = doubts->asked;
    memberships.asked = list;
    question.ask_case = BUS__QUESTION__ASK_MEMBERSHIPS;
    question.memberships = &memberships;
    bus_ask(broker, ASKER_ANY, &question, on_told, broker);
}

/* ---- a doubt ---- */

/* NULL: there is none. Those of somebody are open with users.c: a few at most. */
static struct request *find_doubt(const struct bus_broker *broker, struct text user, struct text room)
{
    const struct user *owner = users_find(&broker->users, user);
    struct request *request = owner != NULL ? owner->open : NULL;

    while (request != NULL && !(request->kind == REQUEST_CONNECT && text_equal(request->channel, room)))
        request = request->next;
    return request;
}

void doubts_granted(struct bus_broker *broker, struct text user, struct text room, uint64_t as_of)
{
    struct request *doubt = find_doubt(broker, user, room);

    if (doubt != NULL && doubt->as_of < as_of)
        doubt->as_of = as_of;
}

static void add(struct bus_broker *broker, struct text user, struct text room)
{
    const struct channel *own = bus_find_own(broker, user);
    struct request *doubt;

    if (own == NULL || !channel_is_followed(own) || find_doubt(broker, user, room) != NULL)
        return;
    if (broker->doubts->queue.count >= (size_t)broker->base.settings->heal.doubt_max) {
        close_all_of(broker, user);
        return;
    }
    metrics_add(&broker->base.metrics, METRIC_DOUBTS, 1);
    doubt = request_create(REQUEST_CONNECT, NULL);
    doubt->user = request_keep(doubt, user);
    doubt->channel = request_keep(doubt, room);
    users_open(&broker->users, doubt);
    request_queue_push(&broker->doubts->queue, doubt);
}

void doubts_note(struct bus_broker *broker, const Bus__Publication *publication)
{
    const struct text room = wire_text(publication->channel);

    for (size_t i = 0; i < publication->n_adds; i++)
        add(broker, wire_text(publication->adds[i]), room);
    for (size_t i = 0; i < publication->n_removes; i++)
        add(broker, wire_text(publication->removes[i]), room);
}

/* ---- life ---- */

void doubts_open(struct bus_broker *broker)
{
    broker->doubts = xcalloc(1, sizeof(*broker->doubts));
    CHECK(uv_timer_init(broker->base.loop, &broker->doubts->timer) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct bus_doubts, timer));
}

void doubts_close(struct bus_broker *broker)
{
    for (struct request *doubt; (doubt = request_queue_pop(&broker->doubts->queue)) != NULL;) {
        users_close(&broker->users, doubt);
        request_destroy(doubt);
    }
    uv_close((uv_handle_t *)&broker->doubts->timer, on_closed);
    broker->doubts = NULL;
}
