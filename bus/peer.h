/*
 * peer: one API as the asker sees it (a req0 socket, is it connected, which start of it is there) and
 * its slots: an NNG context each that carries one question at a time there and the answer back. With
 * each new connection it asks who is there (Greet); every question names that, and has a number, so
 * that nobody can have it done again (responder.h). The loop's thread, but for what peer.c says.
 * Inside bus/ only.
 */
#pragma once

#include <nng/nng.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/publisher.h"
#include "bus/seal.h"

struct peer;
struct slot;

struct peer_events {
    /* What came back to the slot's question; the caller's now. NULL: nothing will. The slot is free
     * again after this. */
    void (*on_answer)(void *context, struct slot *slot, nng_msg *message);
    void (*on_connection)(void *context, struct peer *peer); /* look at peer_is_up() */
};

struct peer_config {
    const char *url;
    size_t index;
    size_t slot_limit; /* questions under way at once */
    const struct seal_keys *keys; /* outlive it */
    uint64_t asker; /* random, the same for all of them */
};

MUST_CHECK enum err peer_open(struct peer **out, uv_loop_t *loop, const struct peer_config *config,
                              const struct peer_events *events, void *context);
void peer_close(struct peer *peer); /* without on_answer for what is under way */

/* It is connected, and has said who it is. */
bool peer_is_up(const struct peer *peer);
/* What it said of its publisher. */
struct publisher_place peer_publisher(const struct peer *peer);
/* It said that it is another one: it is not up until it has said which. */
void peer_is_another(struct peer *peer);
uint64_t peer_ended(const struct peer *peer);   /* connections to it that ended */
uint64_t peer_foreign(const struct peer *peer); /* greetings that were answered by somebody else */
size_t peer_index(const struct peer *peer);

/* Seals and sends a packed Question; NULL when it is not up or all slots are busy. `owner` is what
 * slot_owner() says. */
struct slot *peer_send(struct peer *peer, struct text question, int timeout_ms, void *owner);
void *slot_owner(const struct slot *slot);
struct peer *slot_peer(const struct slot *slot);
/* The owner no longer wants to know: on_answer is not called for it. */
void slot_abandon(struct slot *slot);
