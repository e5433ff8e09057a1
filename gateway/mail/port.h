/*
 * port: where the broker reaches a loop: its mailbox, and a bound on the publications that wait
 * there.
 *
 * Answers and notices are always taken: there is at most one open request per client. Publications
 * are not taken beyond the limit: the loop is told once (NOTICE_OVERRUN), and its clients reconnect
 * and recover. Joins, leaves and emulated commands are dropped then: they are no promise.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "bus/mailbox.h"
#include "gateway/metrics.h"
#include "gateway/mail/notice.h"
#include "gateway/mail/parcel.h"
#include "gateway/mail/request.h"

struct survey;

struct port {
    struct mailbox *mailbox; /* the loop's */
    size_t limit;
    atomic_size_t waiting; /* publications, joins and leaves */
    atomic_bool overrun;   /* set by the broker, cleared by the loop when it reads the notice */
    struct metrics *metrics; /* the broker's, set by it */
};

/* The broker's side. */
bool port_post_parcel(struct port *port,
                      struct parcel *parcel); /* takes a reference of its own on true */
void port_post_answer(struct port *port, struct request *request); /* takes it */
void port_post_notice(struct port *port, struct notice *notice);   /* takes it */
void port_post_survey(struct port *port, struct survey *survey);   /* takes it */

/* The loop's side. */
void port_publication_read(struct port *port); /* for each parcel, NOTICE_JOIN, NOTICE_LEAVE, NOTICE_EMULATION */
void port_overrun_read(struct port *port);
