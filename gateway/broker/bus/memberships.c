/*
 * memberships: which rooms have the users here? After something was lost that nobody can name, an
 * event that adds somebody to a room which nobody here follows may be among it; and after a room was
 * reset, its members are not known any more. A part of the sweep (sweep.c).
 *
 * What removes somebody needs no such question: members follow their room, so its log is compared
 * and healed, and brings that event in its place.
 */
#include <stdlib.h>

#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

#define PAGE_USERS 100

struct page {
    struct bus_broker *broker;
    void (*done)(struct bus_broker *broker, bool told);
    size_t count, told;
    struct request *users[PAGE_USERS]; /* each is open with users.c: newer facts win over the answer */
};

static void ask(struct bus_broker *broker);

/* ---- the end ---- */

void memberships_close(struct bus_broker *broker)
{
    struct page *page = broker->sweep.page;

    broker->sweep.page = NULL;
    for (size_t i = 0; page != NULL && i < page->count; i++) {
        users_close(&broker->users, page->users[i]);
        request_destroy(page->users[i]);
    }
    free(page);
}

static void end(struct page *page, bool told)
{
    struct bus_broker *broker = page->broker;
    void (*const done)(struct bus_broker *, bool) = page->done;

    memberships_close(broker);
    done(broker, told);
}

/* ---- the answer ---- */

static void tell_loops(struct bus_broker *broker, struct request *request,
                       const Bus__ConnectedUser *told, struct text epoch)
{
    struct channel *own = bus_find_own(broker, request->user);

    if (own == NULL)
        return; /* gone */
    if (request->owner->too_many) { /* so much changes that the next sweep has to tell */
        sweep_start(broker, false);
        return;
    }
    bus_hold(own);
    for (unsigned i = 0; i < broker->base.port_count; i++) {
        if (own->given[i].full == 0)
            continue;
        request->loop = i;
        connects_give_rooms(broker, request, told, epoch);
        port_post_notice(broker->base.ports[i], notice_rooms(request->user, &request->rooms));
    }
    bus_unhold(broker, own);
}

static void on_told(void *context, enum err err, const Bus__Answer *answer)
{
    struct page *page = context;
    const Bus__Connected *told = connects_told(err, answer, page->count - page->told);

    if (told == NULL) {
        end(page, false);
        return;
    }
    for (size_t i = 0; i < told->n_users; i++)
        tell_loops(page->broker, page->users[page->told + i], told->users[i], wire_text(told->epoch));
    page->told += told->n_users;
    if (page->told < page->count)
        sweep_go_on(page->broker, ask); /* their rooms did not fit */
    else
        end(page, true);
}

/* ---- the question ---- */

static void ask(struct bus_broker *broker)
{
    struct page *page = broker->sweep.page;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Connect connect = BUS__CONNECT__INIT;
    Bus__ConnectUser users[PAGE_USERS], *list[PAGE_USERS];

    for (size_t i = page->told; i < page->count; i++) {
        Bus__ConnectUser *user = &users[connect.n_users];
        bus__connect_user__init(user);
        user->user = wire_bytes(page->users[i]->user);
        user->rooms_only = true;
        list[connect.n_users++] = user;
    }
    connect.users = list;
    question.ask_case = BUS__QUESTION__ASK_CONNECT;
    question.connect = &connect;
    sweep_ask(broker, &question, on_told, page);
}

static void add_user(struct page *page, const struct channel *own)
{
    struct request *request = request_create(REQUEST_CONNECT, NULL);

    request->user = request_keep(request, channel_name_id(channel_text(own)));
    users_open(&page->broker->users, request);
    page->users[page->count++] = request;
}

static bool is_of_user(const struct channel *channel)
{
    return channel->namespace == NULL && channel_is_followed(channel) &&
           channel_name_kind(channel_text(channel)) == CHANNEL_NAME_USER;
}

bool memberships_tell(struct bus_broker *broker, void (*done)(struct bus_broker *broker, bool told))
{
    struct page *page = xcalloc(1, sizeof(*page));
    struct channel *at = broker->sweep.cursor;

    page->broker = broker;
    page->done = done;
    for (; at != NULL && page->count < PAGE_USERS; at = at->next_channel)
        if (is_of_user(at))
            add_user(page, at);
    broker->sweep.cursor = at;
    broker->sweep.page = page;
    if (page->count > 0) {
        ask(broker);
        return true;
    }
    memberships_close(broker);
    return false;
}
