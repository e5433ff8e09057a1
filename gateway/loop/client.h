/*
 * client: one connection and who it is: state, deadlines, subscriptions (through the hub), commands
 * one at a time.
 *
 * client.c is its life; commands.c what it asks; connecting.c, subscribing.c, expiry.c the longer
 * exchanges; delivery.c what is published; orders.c what the server API has it do. Loop's thread.
 */
#pragma once

#include "base/clock.h"
#include "base/id.h"
#include "gateway/loop/arrival.h"
#include "gateway/loop/connection.h"
#include "gateway/loop/hub.h"
#include "gateway/loop/identity.h"
#include "gateway/loop/loop.h"
#include "gateway/mail/request.h"

enum client_state {
    CLIENT_NEW,        /* nothing but a socket: a connect command must come */
    CLIENT_CONNECTING, /* others are asked */
    CLIENT_CONNECTED,
    CLIENT_REFUSED, /* connect was answered with an error: nothing but the end may follow */
    CLIENT_CLOSING, /* the goodbye is on its way; it has left the hub */
    CLIENT_GONE,    /* no socket; waits for what is under way for it */
};

struct client {
    /* What a ping and its pong touch, together: those of thousands in a row find it cold. */
    struct connection connection;
    struct loop *loop;
    struct wheel_node deadline;
    int64_t ping_ms;          /* connected: when to ping, or by when the pong must be here; 0: never */
    int64_t expires_ms;       /* connected: when it ends (loop's clock); 0: never */
    int64_t tick_ms;          /* connected: when to look at its subscriptions; 0: no need */
    int64_t write_ms;         /* what is being written must be out by then; 0: nothing waits */
    uint8_t state;            /* enum client_state */
    uint8_t command;          /* enum command_kind of the one that has no answer yet; 0: none */
    bool busy;                /* a command is under way: others wait */
    bool awaits_pong, native_ping;
    bool claims_user;         /* single.c: its order to the user's other connections is under way */
    bool expires_itself;      /* its end comes from a refresh proxy, not from the client */

    char id[ID_UUID_BYTES];   /* here it leaves no hole */
    uint32_t open;            /* requests and calls under way that refer to it */
    uint32_t arrived_us;      /* client_clock_us() when the command under way came */
    uint32_t backlog_us;      /* the same of the first in the backlog */
    struct follower follower;
    struct client *prev, *next;
    struct hub_channel *user; /* whose name says who this is, once connected; NULL before */
    struct identity *identity; /* what few clients have; NULL: nothing of it */
    struct rate *rate;         /* of its commands; NULL: not limited */
    struct crowd_member *member; /* its user, in `shared->crowd`; NULL: nothing is limited there */
    struct buf backlog;       /* commands that wait for the one under way */
    int64_t session;          /* the product's; 0: none */
    int64_t connected_s;      /* connected: since when (Unix time) */
    int64_t issued_s;         /* its token; 0: not said */
};

static inline struct client *client_of(struct follower *follower)
{
    return container_of(follower, struct client, follower);
}

static inline struct text client_user(const struct client *client)
{
    return text_after(hub_channel_name(client->user), client->loop->user_prefix.len);
}
static inline const struct format_row *client_format(const struct client *client)
{
    return &FORMATS[client->connection.format];
}
static inline const struct codec *client_codec(const struct client *client)
{
    return client_format(client)->codec;
}
struct client_info client_info(const struct client *client); /* without chan_info; borrowed */
/* Infos and payloads may be any bytes; only JSON can be written to a client that speaks it. */
bool client_is_json(struct text payload); /* or empty */
bool client_info_is_json(const struct client_info *info);
bool client_can_take(const struct client *client, struct text payload);

/* Takes the upgraded socket and what is in `arrival`. */
void client_create(struct arrival *arrival, h2o_socket_t *socket, size_t request_bytes);

/* ---- sending ---- */

void client_send(struct client *client, struct frame *frame);
/* What `out` (begun with frame_begin(), written by its codec) has become; takes its memory. */
void client_send_message(struct client *client, struct buf *out);
void client_send_error(struct client *client, uint32_t id, int code);
/* With words of its own; empty: the code's. */
void client_send_failure(struct client *client, uint32_t id, int code, struct text message,
                         bool temporary);

/* ---- life ---- */

/* Says goodbye and leaves the hub; once, later calls do nothing. Not from inside a walk of the hub.
 */
void client_close(struct client *client, struct disconnect why);
/* The same for what it sent. */
void client_close_bad(struct client *client);
/* Connect was answered with an error: the client closes by itself, or is closed. */
void client_refuse(struct client *client);

/* Deadlines are what its state says they are. */
void client_enter(struct client *client, enum client_state state);
void client_arm(struct client *client);

/* Something under way refers to the client: it stays in memory until client_release(). */
void client_hold(struct client *client);
/* False: it has ended meanwhile, and may be gone. */
bool client_release(struct client *client);

/* ---- commands ---- */

/* Microseconds that wrap after 71 minutes: good for how long a command took, and small. */
static inline uint32_t client_clock_us(void)
{
    return (uint32_t)(clock_mono_ns() / 1000);
}
/* The command under way, if there is one, was answered: its time is counted (commands.c). */
void client_answered(struct client *client);

void client_take_pong(struct client *client);
/* The command under way was answered: those that waited go on (commands.c). */
void client_resume(struct client *client);
/* Runs commands as far as they can go now; they came at `arrived_us` (commands.c). */
void client_run_commands(struct client *client, struct text bytes, uint32_t arrived_us);

/* ---- client_request.c ---- */

/* Asks the broker about it, as the client's command under way; false: it was told that this cannot
 * be. */
bool client_ask(struct client *client, struct request *request);
/* What is needed of every request of this client. */
struct request *client_request(struct client *client, enum request_kind kind,
                               void (*done)(struct loop *loop, struct request *request));

/* The client's full subscription to the channel; NULL: none. */
struct subscription *client_subscription(const struct client *client, struct text channel);
bool client_is_subscribed(const struct client *client, struct text channel);
/* Of the room whose id `channel` has: room:7, live:7. */
bool client_is_member(const struct client *client, struct text channel);

/* ---- for group events (connection.h) and the wheel ---- */

void client_on_message(struct connection *connection, struct text message);
void client_on_pong(struct connection *connection);
void client_on_unfit(struct connection *connection);
void client_on_blocked(struct connection *connection);
void client_on_slow(struct connection *connection);
void client_on_ending(struct connection *connection);
void client_on_gone(struct connection *connection);
void client_on_deadline(void *context, struct wheel_node *node);
