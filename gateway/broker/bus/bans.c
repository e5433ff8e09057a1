/*
 * bans: whom the operator keeps out (users blocked, tokens revoked). The API keeps them, numbered;
 * each is told on the bus as an order, and the loops remember it (gateway/loop/banned.h). Here is
 * how far this gateway knows the list: nobody is let in on an answer that is ahead of it
 * (connects.c), and each sweep reads on from there.
 *
 *   bans_ask() -> ask -> on_page -> ask … -> an empty page -> tell_all_waiting
 */
#include <stdlib.h>
#include <utlist.h>

#include "gateway/broker/bus/bus_broker.h"
#include "gateway/broker/bus/order_wire.h"

/* Somebody who waits for the list. */
struct waiting {
    void (*done)(void *context, bool known);
    void *context;
    struct waiting *next;
};

struct bus_bans {
    uint64_t number; /* all up to this one are known; of later ones, some may be */
    bool asking;
    struct waiting *waiting; /* for the question under way */
    struct waiting *late;    /* came while it was: what it answers may be too old for them */
};

static void ask(struct bus_broker *broker);

/* ---- one ban ---- */

static struct notice *make_order(const void *of)
{
    return notice_order(of);
}

void bans_take(struct bus_broker *broker, const Bus__Order *wire)
{
    struct order *order = order_from_wire(wire);

    if (order == NULL)
        return; /* of a newer API */
    broker_tell_all(&broker->base, make_order, order);
    if (order->number == broker->bans->number + 1)
        broker->bans->number++;
    order_destroy(order);
}

bool bans_are_known(const struct bus_broker *broker, uint64_t number)
{
    return number <= broker->bans->number;
}

/* ---- all of them, page after page ---- */

static void tell_all_waiting(struct bus_broker *broker, bool known)
{
    struct bus_bans *bans = broker->bans;
    struct waiting *told = bans->waiting, *waiting, *next;

    bans->asking = false;
    bans->waiting = bans->late;
    bans->late = NULL;
    if (bans->waiting != NULL)
        ask(broker);
    LL_FOREACH_SAFE(told, waiting, next)
    {
        waiting->done(waiting->context, known);
        free(waiting);
    }
}

static void on_page(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_BANS) {
        tell_all_waiting(broker, false);
        return;
    }
    for (size_t i = 0; i < answer->bans->n_orders; i++)
        bans_take(broker, answer->bans->orders[i]);
    /* Not the greater of the two: a database that was restored counts from where it was. */
    broker->bans->number = answer->bans->number;
    if (answer->bans->n_orders > 0)
        ask(broker);
    else
        tell_all_waiting(broker, true);
}

static void ask(struct bus_broker *broker)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__BanList list = BUS__BAN_LIST__INIT;

    broker->bans->asking = true;
    list.after = broker->bans->number;
    question.ask_case = BUS__QUESTION__ASK_BANS;
    question.bans = &list;
    bus_ask(broker, ASKER_ANY, &question, on_page, broker);
}

void bans_ask(struct bus_broker *broker, void (*done)(void *context, bool known), void *context)
{
    struct bus_bans *bans = broker->bans;
    struct waiting *waiting = xcalloc(1, sizeof(*waiting));

    waiting->done = done;
    waiting->context = context;
    if (bans->asking) {
        LL_APPEND(bans->late, waiting);
        return;
    }
    LL_APPEND(bans->waiting, waiting);
    ask(broker);
}

/* ---- life ---- */

void bans_open(struct bus_broker *broker)
{
    broker->bans = xcalloc(1, sizeof(*broker->bans));
}

static void free_waiting(struct waiting *list)
{
    struct waiting *waiting, *next;

    LL_FOREACH_SAFE(list, waiting, next)
    {
        free(waiting);
    }
}

/* No answer comes any more: who waits is a sweep, or clients that are gone. */
void bans_close(struct bus_broker *broker)
{
    free_waiting(broker->bans->waiting);
    free_waiting(broker->bans->late);
    free(broker->bans);
}
