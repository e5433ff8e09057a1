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
 * Of more doubts than `heal.doubt_max` the people are closed: they come back, and their Connect tells.
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

#define PAGE_MAX 200 /* doubts in one question */

/* The oldest `asked` of them are in the question that is under way. */
struct bus_doubts {
    struct request *list; /* by `waiting`; each is open with users.c */
    size_t count, asked;
    uv_timer_t timer; /* runs: nobody answered, it is tried again later */
};

/* ---- the answer ---- */

static void drop(struct bus_broker *broker, struct request *doubt)
{
    LL_DELETE2(broker->doubts->list, doubt, waiting);
    broker->doubts->count--;
    users_close(&broker->users, doubt);
    request_destroy(doubt);
}

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

static void settle(struct bus_broker *broker, const struct request *doubt, const Bus__Standing *told,
                   struct text epoch)
{
    char name[CHANNEL_NAME_MAX + 1];
    struct channel *own = bus_find(broker, channel_name_make(name, "user:", doubt->user));
    int64_t room = 0;
    const struct fact *fact =
        id_parse(channel_name_id(doubt->channel), &room) ? user_fact(doubt->owner, room) : NULL;
    const bool is_newer = fact != NULL && fact->offset > told->as_of;

    if (own == NULL || (!is_newer && doubt->as_of > told->as_of))
        return; /* nobody of them is here any more; or they were let in since by a younger answer */
    bus_hold(own);
    if (is_newer ? !fact->removed : told->member)
        let_in(broker, doubt, own, is_newer ? fact->offset : told->as_of, epoch);
    else
        for (unsigned i = 0; i < broker->base.port_count; i++)
            post(broker, own, i, notice_removed(doubt->user, doubt->channel));
    bus_unhold(broker, own);
}

/* Their own Connect tells them. */
static void close_all_of(struct bus_broker *broker, struct text user)
{
    char name[CHANNEL_NAME_MAX + 1];
    const struct channel *own = bus_find(broker, channel_name_make(name, "user:", user));

    metrics_add(&broker->base.metrics, METRIC_DOUBTS_CLOSED, 1);
    for (unsigned i = 0; own != NULL && i < broker->base.port_count; i++)
        post(broker, own, i,
             notice_disconnect(user, (struct text){0}, DISCONNECT_INSUFFICIENT_STATE.code,
                               text(DISCONNECT_INSUFFICIENT_STATE.reason)));
}

static const Bus__MembershipList *standings(enum err err, const Bus__Answer *answer, size_t asked)
{
    if (err == ERR_OK && answer->error_code == 0 && answer->told_case == BUS__ANSWER__TOLD_MEMBERSHIPS &&
        answer->memberships->n_standings == asked)
        return answer->memberships;
    return NULL;
}

static void on_timer(uv_timer_t *timer)
{
    /* doubts_flush() follows at the end of this turn */
}

static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;
    struct bus_doubts *doubts = broker->doubts;
    const Bus__MembershipList *told = standings(err, answer, doubts->asked);

    doubts->asked = 0; /* doubts_flush() follows at the end of this turn */
    if (told == NULL) {
        uv_timer_start(&doubts->timer, on_timer, (uint64_t)broker->base.settings->heal.retry_ms, 0);
        return;
    }
    for (size_t i = 0; i < told->n_standings; i++) {
        struct request *doubt = doubts->list;
        if (doubt->owner->too_many)
            close_all_of(broker, doubt->user);
        else
            settle(broker, doubt, told->standings[i], wire_text(told->epoch));
        drop(broker, doubt);
    }
}

/* ---- the question ---- */

void doubts_flush(struct bus_broker *broker)
{
    struct bus_doubts *doubts = broker->doubts;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Memberships memberships = BUS__MEMBERSHIPS__INIT;
    Bus__Membership asked[PAGE_MAX], *list[PAGE_MAX];

    if (doubts->asked > 0 || uv_is_active((uv_handle_t *)&doubts->timer))
        return;
    for (struct request *doubt = doubts->list; doubt != NULL && doubts->asked < PAGE_MAX;
         doubt = doubt->waiting) {
        Bus__Membership *membership = list[doubts->asked] = &asked[doubts->asked];
        bus__membership__init(membership);
        membership->user = wire_bytes(doubt->user);
        membership->room = wire_bytes(channel_name_id(doubt->channel));
        doubts->asked++;
    }
    if (doubts->asked == 0)
        return;
    memberships.n_asked = doubts->asked;
    memberships.asked = list;
    question.ask_case = BUS__QUESTION__ASK_MEMBERSHIPS;
    question.memberships = &memberships;
    metrics_add(&broker->base.metrics, METRIC_DOUBTS, doubts->asked);
    bus_ask(broker, ASKER_ANY, &question, on_told, broker);
}

/* ---- a doubt ---- */

/* NULL: there is none. Those of somebody are open with users.c: a few at most. */
static struct request *find_noted(const struct bus_broker *broker, struct text user, struct text room)
{
    const struct user *owner = users_find(&broker->users, user);
    struct request *request = owner != NULL ? owner->open : NULL;

    for (; request != NULL; request = request->next)
        if (request->kind == REQUEST_CONNECT && text_equal(request->channel, room))
            return request;
    return NULL;
}

void doubts_granted(struct bus_broker *broker, struct text user, struct text room, uint64_t as_of)
{
    struct request *doubt = find_noted(broker, user, room);

    if (doubt != NULL && doubt->as_of < as_of)
        doubt->as_of = as_of;
}

static bool is_here(const struct bus_broker *broker, struct text user)
{
    char name[CHANNEL_NAME_MAX + 1];
    const struct channel *own = user.len <= CHANNEL_NAME_MAX - sizeof("user:")
                                    ? bus_find((struct bus_broker *)broker, channel_name_make(name, "user:", user))
                                    : NULL;

    return own != NULL && channel_is_followed(own);
}

static void add(struct bus_broker *broker, struct text user, struct text room)
{
    struct request *doubt;

    if (!is_here(broker, user) || find_noted(broker, user, room) != NULL)
        return;
    if (broker->doubts->count >= (size_t)broker->base.settings->heal.doubt_max) {
        close_all_of(broker, user);
        return;
    }
    doubt = request_create(REQUEST_CONNECT, NULL);
    doubt->user = request_keep(doubt, user);
    doubt->channel = request_keep(doubt, room);
    users_open(&broker->users, doubt);
    LL_APPEND2(broker->doubts->list, doubt, waiting);
    broker->doubts->count++;
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
    while (broker->doubts->list != NULL)
        drop(broker, broker->doubts->list);
    uv_close((uv_handle_t *)&broker->doubts->timer, on_closed);
    broker->doubts = NULL;
}
