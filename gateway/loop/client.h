/*
 * client: one connection and who it is: state, deadlines, subscriptions (through the hub), commands
 * one at a time.
 *
 * client.c is its life, commands.c what it asks, answers.c what comes back, delivery.c what is
 * published. Loop's thread.
 */
#pragma once

#include "base/id.h"
#include "gateway/loop/connection.h"
#include "gateway/loop/hub.h"
#include "gateway/loop/loop.h"
#include "gateway/mail/request.h"

enum client_state {
    CLIENT_NEW,        /* nothing but a socket: a connect command must come */
    CLIENT_CONNECTING, /* the broker is asked */
    CLIENT_CONNECTED,
    CLIENT_REFUSED, /* connect was answered with an error: nothing but the end may follow */
    CLIENT_CLOSING, /* the close frame is on its way; it has left the hub */
    CLIENT_GONE,    /* no socket; waits for its open request */
};

struct client {
    struct follower follower;
    struct connection connection;
    struct loop *loop;
    struct wheel_node deadline;
    struct client *prev, *next;
    struct hub_channel *user; /* "user:…", once connected: its name is who this is */
    struct request *open;     /* asked of the broker; commands wait in `backlog` meanwhile */
    struct buf backlog;       /* lines of commands */
    int64_t session;          /* 0: the token names none */
    int64_t ping_ms;          /* connected: when to ping, or by when the pong must be here */
    int64_t expires_ms;       /* connected: when it ends (loop's clock); 0: never */
    enum client_state state;
    bool awaits_pong;
    char id[ID_UUID_BYTES];
};

static inline struct client *client_of(struct follower *follower)
{
    return container_of(follower, struct client, follower);
}

static inline struct text client_user(const struct client *client)
{
    return text_after(hub_channel_name(client->user), sizeof("user:") - 1);
}

/* Takes the upgraded socket. */
void client_create(struct loop *loop, h2o_socket_t *socket, size_t request_bytes);

void client_send(struct client *client, struct frame *frame);
/* What `payload` (begun with frame_begin()) has become; takes its memory. */
void client_send_payload(struct client *client, struct buf *payload);
void client_send_error(struct client *client, uint32_t id, int code);

/* Says goodbye and leaves the hub; once, later calls do nothing. Not from inside a walk of the hub.
 */
void client_close(struct client *client, struct disconnect why);

/* Connect was answered with an error: the client closes by itself, or is closed. */
void client_refuse(struct client *client);

/* Deadlines are what its state says they are. */
void client_enter(struct client *client, enum client_state state);
void client_arm(struct client *client);

/* A pong. */
void client_take_pong(struct client *client);

/* Commands that waited for an answer. */
void client_resume(struct client *client);
/* Did it subscribe to this channel, and still does? (commands.c) */
bool client_is_subscribed(const struct client *client, struct text name);
/* Runs lines of commands as far as they can go now (commands.c). */
void client_run_commands(struct client *client, struct text lines);
/* The request is back (answers.c). Takes it. */
void client_take_answer(struct loop *loop, struct request *request);
/* It is gone and its request is back, too: memory goes at the end of the turn. */
void client_bury(struct client *client);

/* The broker's letters (delivery.c). */
void delivery_parcel(struct loop *loop, struct parcel *parcel);
void delivery_notice(struct loop *loop, struct notice *notice);

/* For group events (connection.h). */
void client_on_message(struct connection *connection, struct text message);
void client_on_slow(struct connection *connection);
void client_on_ending(struct connection *connection);
void client_on_gone(struct connection *connection);
void client_on_deadline(void *context, struct wheel_node *node);
