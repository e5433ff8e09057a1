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
#include "gateway/loop/banned.h"
#include "gateway/loop/seen.h"
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
struct connecting;
struct crowd;
struct emulated;
struct fetcher;
struct proxies;
struct verifier;
struct webhooks;

#define CLIENT_USER_MAX 255 /* bytes of a user's id */

/* What all loops of a process share; outlives them. */
struct shared {
    const struct settings *settings;
    struct verifier *verifier, *sub_verifier; /* tokens of connections, of subscriptions */
    struct fetcher *fetcher;
    struct proxies *proxies;
    bool wants_emulated_headers; /* some proxy does */
    struct webhooks *webhooks; /* NULL: none */
    struct crowd *crowd;       /* NULL: users have no limits */
};

struct loop {
    uv_loop_t *uv;
    unsigned index;
    const struct shared *shared;
    const struct settings *settings; /* shared->settings */
    struct text user_prefix; /* of the hub's channels that hold a user's connections */
    struct mailbox *broker; /* the broker's inbox */
    struct port port;       /* ours, for the broker */
    struct listener *listener;
    struct listener *internal; /* the operator's, of loop 0; NULL: none */
    struct hub *hub;
    struct chats *chats;
    struct connection_group connections;
    struct wheel wheel;
    struct client *clients;            /* all that are not gone; a list */
    size_t user_count;                 /* who have a connection here */
    size_t client_count, unfree_count; /* unfree: memory not given back yet */
    struct client *dead;               /* to be freed at the end of this turn */
    struct returns *returns;
    struct survey *surveys; /* answered, for the broker; a list */
    size_t asked_count; /* requests at the broker, whose answers are still to come */
    uint64_t refused; /* connections, as far as counted */
    struct banned banned;
    struct seen seen;
    struct emulated *emulated;           /* by session */
    struct connecting *waiting_for_keys; /* a list */
    unsigned fetch_count;                /* key sets that are being fetched for this loop */
    struct frame *pings[FORMAT_COUNT], *native_ping;
    struct parcel *stale;
    struct metrics metrics;
    int64_t drain_until_ms; /* 0: not stopping */
    bool asks_no_more;      /* the last client is gone */
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
void loop_open(struct loop *loop, uv_loop_t *uv, unsigned index, const struct shared *shared);
/* Takes clients from now on. On the thread that will run the loop. */
MUST_CHECK enum err loop_listen(struct loop *loop, h2o_globalconf_t *http, int port);
/* The same for the operator, on `http.internal_host` and `http.internal_port`; stays open while the
 * loop says goodbye to its clients. */
MUST_CHECK enum err loop_listen_internal(struct loop *loop, h2o_globalconf_t *http);
void loop_free(struct loop *loop); /* after its end */

/* The loop whose thread this is. */
struct loop *loop_current(void);

static inline int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(loop->uv);
}

/* Is there an API behind the broker? Else every channel is the operator's. */
static inline bool loop_is_on_bus(const struct loop *loop)
{
    return loop->settings->gateway.broker == BROKER_BUS;
}
bool loop_is_product(const struct loop *loop, struct text channel); /* one of the product's own */

/* Whose full listeners are this user's clients here; NULL: none. */
struct hub_channel *loop_find_user(const struct loop *loop, struct text user);


/* References and leavers go back to the broker at the end of the turn. */
void loop_return(struct loop *loop, const struct returned *returned);
/* Takes the request on true. False: the broker is overrun, or the loop about to end. */
MUST_CHECK bool loop_ask(struct loop *loop, struct request *request);
