/*
 * connection: one socket after its upgrade, whatever its transport: what of libh2o a client needs.
 * Embedded in the client.
 *
 * Frames are queued; all that is due to a connection in one turn of the loop leaves in one
 * sendmsg() on the descriptor (measured: a tenth of the cost of writing each), what the kernel does
 * not take goes out with h2o_socket_write(). While idle it has no buffer. Loop's thread.
 */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "gateway/metrics.h"
#include "gateway/loop/sendqueue.h"
#include "gateway/protocol/websocket.h"

struct connection;

/* How bytes arrive and how the end is told; one for each kind of socket (gateway/transport). */
struct transport {
    /* Bytes that came (may be changed in place). Calls connection_take() for messages. */
    void (*read)(struct connection *connection, char *bytes, size_t len);
    /* The last words, with a reference; NULL: none. */
    struct frame *(*goodbye)(const struct connection *connection, int code, const char *reason);
};

struct connection_events {
    /* A message; not after connection_close(). May close, must not finish. */
    void (*on_message)(struct connection *connection, struct text message);
    void (*on_pong)(struct connection *connection); /* a WebSocket's own */
    /* The kernel does not take more, or takes again: `connection->blocked` has changed. */
    void (*on_blocked)(struct connection *connection);
    /* More waits for it than `queue_max`: from connection_group_flush(). Must close. */
    void (*on_slow)(struct connection *connection);
    /* The peer said goodbye, or what breaks its protocol, and connection_close() was called for it:
     * set a deadline. May come inside connection_open(). */
    void (*on_ending)(struct connection *connection);
    /* connection_unfit() was called: from connection_group_flush(). Must close. */
    void (*on_unfit)(struct connection *connection);
    /* The peer closed, or broke, or connection_finish(): the socket is gone. Once. Its memory stays
     * until no call of this module is under way: free it after connection_group_flush(). */
    void (*on_gone)(struct connection *connection);
};

/* What the connections of one loop share. */
struct connection_group {
    struct connection_events events;
    size_t queue_max; /* bytes */
    struct connection *dirty;      /* those with something to send in this turn */
    struct metrics *metrics;
};

enum connection_state {
    CONNECTION_OPEN,
    CONNECTION_CLOSING, /* the close frame is queued or sent; the peer's answer or a deadline ends
                           it */
    CONNECTION_GONE,    /* no socket any more */
};

struct connection {
    struct connection_group *group;
    const struct transport *transport;
    h2o_socket_t *socket; /* NULL: gone */
    struct sendqueue queue;
    struct sendqueue *held; /* behind the reply that must be first; NULL: nothing */
    struct websocket_reader reader; /* of a WebSocket */
    struct connection *prev_dirty, *next_dirty;
    enum connection_state state;
    uint32_t writing; /* frames handed to h2o_socket_write(), which must stay */
    uint32_t writing_bytes;
    uint32_t waiting; /* bytes of the queue that the group's sum knows of */
    uint8_t format; /* enum format: how it is written to */
    bool is_dirty, peer_closed, blocked, unfit, holds;
};

/* Takes the socket; bytes of the HTTP request are `request_bytes` at the start of its input.
 * `transport`, `format` and the reader are filled in. on_message may follow from inside. */
void connection_open(struct connection *connection, struct connection_group *group,
                     h2o_socket_t *socket, size_t request_bytes);

/* For transports: a message has come. False: do not read on. */
MUST_CHECK bool connection_take(struct connection *connection, struct text message);
/* The same for one that came another way than through this socket. */
void connection_pass(struct connection *connection, struct text message);
/* The peer has said its last word with `code`, or (connection_refuse()) what is to be answered so. */
void connection_peer_closed(struct connection *connection, int code);
void connection_refuse(struct connection *connection, int code);

/* Queues (taking a reference of its own) and sees that it leaves in this turn. Does nothing when it
 * is not open. */
void connection_send(struct connection *connection, struct frame *frame);

/* From now on what is sent waits, until connection_go_on() sends `first` before it. */
void connection_hold(struct connection *connection);
void connection_go_on(struct connection *connection, struct frame *first);
void connection_drop_held(struct connection *connection); /* or forgets what waits */

/* Something came up that cannot be written in its format. It is told at the end of the turn. */
void connection_unfit(struct connection *connection);

/*
 * Queues a goodbye behind what waits and sends nothing after it. `drop`: forgets what waits
 * (the peer is too slow for it). on_gone follows when the peer answers; the caller sets a deadline
 * and calls connection_finish() then.
 */
void connection_close(struct connection *connection, int code, const char *reason, bool drop);
void connection_finish(struct connection *connection); /* closes the socket at once */
void connection_shrink(
    struct connection *connection); /* gives back memory that is not needed while idle */

/* Sends for all who have something to send. */
void connection_group_flush(struct connection_group *group);
