#include "bus/peer.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/log.h"
#include "bus/link.h"
#include "bus/mailbox.h"
#include "bus/wire.h"

#define GREET_MS 1000 /* then it is asked again */

/*
 * peer_send()   the question into the context      on NNG's thread: receive
 * on_done()     the answer is there, or nothing    on NNG's thread: post to the loop
 * on_item()     tells the owner, frees the slot
 */
struct slot {
    struct peer *peer;
    nng_ctx ctx;
    nng_aio *aio;
    enum { SLOT_SENDING, SLOT_RECEIVING } doing; /* what `aio` does; written before it starts */
    nng_msg *message;                            /* the answer, on its way to the loop */
    void *owner;                                 /* NULL: free, or abandoned; the loop's */
    struct slot *next_free;
};

struct peer {
    nng_socket socket;
    size_t index;
    struct mailbox *mailbox; /* items: slots, &connection_changed */
    struct peer_events events;
    void *context;
    bool closing;
    _Atomic bool change_waits; /* &connection_changed is in the mailbox: once at most, it has places
                                  for slots */
    _Atomic int pipes; /* connections; the new one may be there before the old one has gone */
    _Atomic unsigned arrivals; /* how many came */
    _Atomic uint64_t ended;    /* and went */
    const struct seal_keys *keys;
    uint64_t asker, asked; /* who asks, and how often it did */

    struct slot *greeting; /* the question who is there, under way; NULL: none */
    uint64_t greeting_id;
    unsigned greeted; /* `arrivals` when that was asked last */
    struct buf opened;
    uint64_t foreign;
    uint64_t list; /* what it said; 0: nothing yet */
    struct publisher_place publisher;

    pthread_mutex_t
        gate; /* pipe callbacks may still run while their socket is closed: they look at `closed` */
    bool closed;
    struct slot *free;
    size_t count, limit;
    struct slot **slots; /* `count` of at most `limit`, made when first needed */
};

static char connection_changed;

/* NNG's thread: the mailbox and this one context, which is nobody else's now. */
static void on_done(void *arg)
{
    struct slot *slot = arg;
    const int rv = nng_aio_result(slot->aio);

    if (rv == 0 && slot->doing == SLOT_SENDING) {
        slot->doing = SLOT_RECEIVING;
        nng_ctx_recv(slot->ctx, slot->aio);
        return;
    }
    if (slot->doing == SLOT_SENDING)
        nng_msg_free(nng_aio_get_msg(slot->aio)); /* not sent: still ours */
    else
        slot->message = rv == 0 ? nng_aio_get_msg(slot->aio) : NULL;
    CHECK(mailbox_post(slot->peer->mailbox, slot)); /* has a place for each of us */
}

static void on_pipe_event(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct peer *peer = arg;

    pthread_mutex_lock(&peer->gate);
    if (event == NNG_PIPE_EV_ADD_POST) {
        peer->pipes++;
        peer->arrivals++;
    } else {
        peer->ended++;
        if (peer->pipes > 0) /* a pipe refused for its protocol goes without having come */
            peer->pipes--;
    }
    if (!peer->closed && !atomic_exchange(&peer->change_waits, true))
        CHECK(mailbox_post(peer->mailbox, &connection_changed));
    pthread_mutex_unlock(&peer->gate);
}

static void free_slot(struct slot *slot)
{
    slot->owner = NULL;
    slot->next_free = slot->peer->free;
    slot->peer->free = slot;
}

static struct slot *make_slot(struct peer *peer)
{
    struct slot *slot = xcalloc(1, sizeof(*slot));

    slot->peer = peer;
    CHECK(nng_aio_alloc(&slot->aio, on_done, slot) == 0);
    if (nng_ctx_open(&slot->ctx, peer->socket) != 0) {
        nng_aio_free(slot->aio);
        free(slot);
        return NULL;
    }
    peer->slots[peer->count++] = slot;
    return slot;
}

static struct slot *take_slot(struct peer *peer)
{
    struct slot *slot = peer->free;

    if (slot == NULL)
        return peer->count < peer->limit ? make_slot(peer) : NULL;
    peer->free = slot->next_free;
    return slot;
}

static struct slot *send_in_slot(struct peer *peer, nng_msg *message, int timeout_ms, void *owner)
{
    struct slot *slot = take_slot(peer);

    if (slot == NULL) {
        nng_msg_free(message);
        return NULL;
    }
    slot->owner = owner;
    slot->doing = SLOT_SENDING;
    nng_aio_set_msg(slot->aio, message);
    nng_aio_set_timeout(slot->aio, timeout_ms);
    nng_ctx_send(slot->ctx, slot->aio);
    return slot;
}

/* ---- who is there ---- */

static void greet(struct peer *peer)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Greet greet = BUS__GREET__INIT;

    question.id = peer->greeting_id = id_random();
    question.ask_case = BUS__QUESTION__ASK_GREET;
    question.greet = &greet;
    peer->greeting =
        send_in_slot(peer, link_seal(peer->keys, SEAL_QUESTION, &question.base), GREET_MS, peer);
}

static bool take_greeting(struct peer *peer, nng_msg *message)
{
    Bus__Answer *answer = NULL;
    bool taken = false;

    if (seal_open(peer->keys, SEAL_ANSWER, link_bytes(message), &peer->opened))
        answer = wire_read_answer(buf_text(&peer->opened));
    if (answer != NULL && answer->id == peer->greeting_id &&
        answer->told_case == BUS__ANSWER__TOLD_GREETED && answer->greeted->list != 0) {
        peer->list = answer->greeted->list;
        peer->publisher = (struct publisher_place){
            answer->greeted->publisher, answer->greeted->number, answer->greeted->said};
        taken = true;
    }
    wire_free_answer(answer);
    return taken;
}

static void on_greeting(struct peer *peer, nng_msg *message)
{
    peer->greeting = NULL;
    if (message == NULL)
        return; /* nothing came in time, or the connection broke: keep_greeting() */
    if (take_greeting(peer, message)) {
        peer->events.on_connection(peer->context, peer);
        return;
    }
    peer->foreign++;
    log_warn("asker: api %zu does not say who it is", peer->index);
    nng_pipe_close(nng_msg_get_pipe(message)); /* the next connection may be to an API of ours */
}

/* What is there may be another start of the API than before. */
static void on_connection(struct peer *peer)
{
    if (atomic_load(&peer->pipes) > 0 && peer->greeted == atomic_load(&peer->arrivals))
        return; /* an old connection went after the new one had come */
    peer->list = 0;
    if (peer->greeting != NULL)
        slot_abandon(peer->greeting);
    peer->greeting = NULL;
    peer->greeted = atomic_load(&peer->arrivals);
    if (atomic_load(&peer->pipes) == 0)
        peer->events.on_connection(peer->context, peer);
}

/* As long as nobody has said who is there. All slots may be busy: each that comes back is a chance. */
static void keep_greeting(struct peer *peer)
{
    if (peer->list == 0 && peer->greeting == NULL && atomic_load(&peer->pipes) > 0)
        greet(peer);
}

static void on_slot(struct peer *peer, struct slot *slot)
{
    nng_msg *message = slot->message;

    slot->message = NULL;
    if (slot == peer->greeting) {
        on_greeting(peer, message);
    } else if (slot->owner != NULL) {
        peer->events.on_answer(peer->context, slot, message);
        message = NULL;
    }
    if (message != NULL)
        nng_msg_free(message);
}

static void on_item(void *context, void *item)
{
    struct peer *peer = context;
    struct slot *slot = item;

    if (item == &connection_changed) {
        atomic_store(&peer->change_waits, false); /* before `pipes` is looked at */
        if (!peer->closing)
            on_connection(peer);
    } else if (!peer->closing) {
        on_slot(peer, slot);
        free_slot(slot);
    } else if (slot->message != NULL) {
        nng_msg_free(slot->message);
    }
    if (!peer->closing)
        keep_greeting(peer);
}

void peer_is_another(struct peer *peer)
{
    peer->list = 0;
    keep_greeting(peer);
}

struct slot *peer_send(struct peer *peer, struct text question, int timeout_ms, void *owner)
{
    Bus__Question address = BUS__QUESTION__INIT;
    nng_msg *message;

    if (!peer_is_up(peer))
        return NULL;
    address.list = peer->list;
    address.asker = peer->asker;
    address.number = ++peer->asked;
    message = link_seal_packed(peer->keys, SEAL_QUESTION, question, &address.base);
    return message != NULL ? send_in_slot(peer, message, timeout_ms, owner) : NULL;
}

void slot_abandon(struct slot *slot)
{
    slot->owner = NULL;
    /* Comes back through on_item(). Between sending and receiving it does not hear this: then its
     * time-out ends it. */
    nng_aio_cancel(slot->aio);
}

void *slot_owner(const struct slot *slot)
{
    return slot->owner;
}

struct peer *slot_peer(const struct slot *slot)
{
    return slot->peer;
}

bool peer_is_up(const struct peer *peer)
{
    return peer->list != 0;
}

struct publisher_place peer_publisher(const struct peer *peer)
{
    return peer->publisher;
}

uint64_t peer_ended(const struct peer *peer)
{
    return atomic_load(&peer->ended);
}

uint64_t peer_foreign(const struct peer *peer)
{
    return peer->foreign;
}

size_t peer_index(const struct peer *peer)
{
    return peer->index;
}

static int open_socket(struct peer *peer, const char *url)
{
    int rv;

    if ((rv = nng_req0_open(&peer->socket)) != 0)
        return rv;
    /*
     * No asking again by NNG: the asker does that, elsewhere. Without a resend time NNG also tells
     * at once when the connection broke under a question (NNG_ECONNRESET).
     */
    if ((rv = link_tune(peer->socket)) != 0 ||
        (rv = nng_socket_set_ms(peer->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE)) !=
            0 ||
        (rv = nng_pipe_notify(peer->socket, NNG_PIPE_EV_ADD_POST, on_pipe_event, peer)) != 0 ||
        (rv = nng_pipe_notify(peer->socket, NNG_PIPE_EV_REM_POST, on_pipe_event, peer)) != 0 ||
        (rv = nng_dial(peer->socket, url, NULL, NNG_FLAG_NONBLOCK)) != 0)
        link_close(peer->socket);
    return rv;
}

static void peer_free(struct peer *peer)
{
    pthread_mutex_destroy(&peer->gate);
    buf_fini(&peer->opened);
    free(peer->slots);
    free(peer);
}

enum err peer_open(struct peer **out, uv_loop_t *loop, const struct peer_config *config,
                   const struct peer_events *events, void *context)
{
    struct peer *peer = xcalloc(1, sizeof(*peer));

    peer->index = config->index;
    peer->events = *events;
    peer->context = context;
    peer->limit = config->slot_limit + 2; /* greetings: one, and one that was given up */
    peer->keys = config->keys;
    peer->asker = config->asker;
    peer->slots = xcalloc(peer->limit, sizeof(*peer->slots));
    pthread_mutex_init(&peer->gate, NULL);
    peer->mailbox = mailbox_open(loop, peer->limit + 1, on_item, peer);

    const int rv = open_socket(peer, config->url);
    if (rv == 0) {
        *out = peer;
        return ERR_OK;
    }
    log_error("asker %s: %s", config->url, nng_strerror(rv));
    mailbox_close(peer->mailbox);
    peer_free(peer);
    return ERR_UNAVAILABLE;
}

void peer_close(struct peer *peer)
{
    if (peer == NULL)
        return;
    peer->closing = true;
    for (size_t i = 0; i < peer->count; i++)
        nng_aio_stop(peer->slots[i]->aio); /* waits for its callback */
    pthread_mutex_lock(&peer->gate);
    peer->closed = true;
    pthread_mutex_unlock(&peer->gate);
    mailbox_close(peer->mailbox); /* frees the answers that wait */
    for (size_t i = 0; i < peer->count; i++) {
        nng_ctx_close(peer->slots[i]->ctx);
        nng_aio_free(peer->slots[i]->aio);
        free(peer->slots[i]);
    }
    if (link_close(peer->socket)) /* else a pipe's callback may still come: the gate stays */
        peer_free(peer);
}
