#include "gateway/mail/port.h"

static void post(struct port *port, void *letter)
{
    /* The mailbox is larger than the sum of all that may wait: loop.c. */
    CHECK(mailbox_post(port->mailbox, letter));
}

static bool is_full(const struct port *port)
{
    return atomic_load_explicit(&port->waiting, memory_order_relaxed) >= port->limit;
}

static bool refuse(struct port *port)
{
    metrics_drop(port->metrics, DROP_OVERRUN, 1);
    return false;
}

bool port_post_parcel(struct port *port, struct parcel *parcel)
{
    if (atomic_load(&port->overrun))
        return refuse(port);
    if (is_full(port)) {
        atomic_store(&port->overrun, true);
        post(port, notice_create(NOTICE_OVERRUN, (struct text){0}));
        return refuse(port);
    }
    atomic_fetch_add_explicit(&port->waiting, 1, memory_order_relaxed);
    post(port, parcel_ref(parcel));
    return true;
}

void port_post_answer(struct port *port, struct request *request)
{
    request->letter.kind = LETTER_ANSWER;
    post(port, request);
}

/* What anybody can cause at any rate, and nobody was promised. */
static bool may_be_dropped(const struct notice *notice)
{
    return notice->kind == NOTICE_JOIN || notice->kind == NOTICE_LEAVE ||
           notice->kind == NOTICE_EMULATION;
}

void port_post_notice(struct port *port, struct notice *notice)
{
    if (may_be_dropped(notice)) {
        if (is_full(port)) {
            metrics_drop(port->metrics, DROP_OVERRUN, 1);
            notice_destroy(notice);
            return;
        }
        atomic_fetch_add_explicit(&port->waiting, 1, memory_order_relaxed);
    }
    post(port, notice);
}

void port_post_survey(struct port *port, struct survey *survey)
{
    post(port, survey);
}

void port_publication_read(struct port *port)
{
    atomic_fetch_sub_explicit(&port->waiting, 1, memory_order_relaxed);
}

void port_overrun_read(struct port *port)
{
    atomic_store(&port->overrun, false);
}
