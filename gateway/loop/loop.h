/*
 * loop: one event loop of the gateway with all that belongs to it: listener, clients, hub,
 * deadlines. Its only door to other threads are the mailboxes: its own, where the broker posts, and
 * the broker's.
 *
 * All functions on the loop's thread, or before it runs.
 */
#pragma once

#include <uv.h>

#include "bus/mailbox.h"
#include "gateway/loop/chats.h"
#include "gateway/loop/connection.h"
#include "gateway/loop/hub.h"
#include "gateway/metrics.h"
#include "gateway/mail/port.h"
#include "gateway/mail/returns.h"
#include "gateway/settings.h"
#include "gateway/loop/wheel.h"
#include "http/listener.h"

struct client;

struct loop {
    uv_loop_t *uv;
    unsigned index;
    const struct settings *settings;
    struct mailbox *broker; /* the broker's inbox */
    struct port port;       /* ours, for the broker */
    struct listener *listener;
    struct hub *hub;
    struct chats *chats;
    struct connection_group connections;
    struct wheel wheel;
    struct client *clients;            /* all that are not gone; a list */
    size_t client_count, unfree_count; /* unfree: memory not given back yet */
    struct client *dead;               /* to be freed at the end of this turn */
    struct returns *returns;
    struct frame *ping, *stale;
    struct metrics metrics;
    int64_t drain_until_ms; /* 0: not stopping */
    bool stopped;           /* the last client is gone, and the broker was told */

    uv_timer_t ticker;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
};

/*
 * Makes the mailbox and all else but the listener. `loop->broker` is the broker's inbox, to be set
 * before the loop runs (its letters are LETTER_REQUEST and LETTER_RETURNS).
 *
 * NOTICE_STOP: stops accepting, says goodbye to the clients one after the other within
 * `gateway.drain_ms`, and tells the broker when the last is gone (`last` of its returns).
 * NOTICE_CLOSE then closes all handles: uv_run() comes to its end.
 */
void loop_open(struct loop *loop, uv_loop_t *uv, unsigned index, const struct settings *settings);
/* Takes clients from now on. On the thread that will run the loop. */
MUST_CHECK enum err loop_listen(struct loop *loop, h2o_globalconf_t *http, int port);
void loop_free(struct loop *loop); /* after its end */

/* The loop whose thread this is. */
struct loop *loop_current(void);

static inline int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(loop->uv);
}

/* References and leavers go back to the broker at the end of the turn. */
void loop_return(struct loop *loop, const struct returned *returned);
/* Takes the request on true. False: the broker is overrun. */
MUST_CHECK bool loop_ask(struct loop *loop, struct request *request);
