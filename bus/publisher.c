#include "bus/publisher.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "bus/kept.h"
#include "bus/link.h"

#define BATCH_BYTES_MAX  (64u << 10)
#define LINGER_MS        50
/* What a batch has beside its items: publisher, number, said. */
#define BATCH_HEAD_BYTES 32

struct publisher {
    nng_socket socket;
    struct seal_keys keys;
    uint64_t id;
    int heartbeat_ms;
    pthread_t heart;

    pthread_mutex_t lock; /* guards what follows, and that numbers reach the socket in order */
    pthread_cond_t closing_changed;
    bool closing;
    uint64_t number; /* of the latest batch with items */
    uint64_t said;   /* messages, with items or without */
    int64_t sent_ms; /* when something left last; clock_mono_ms() */
    struct kept *kept;
    struct buf packed; /* of the batch that is being sent */
};

/* Under the lock. The batch leaves with the publisher's present number. */
static void send_batch(struct publisher *publisher, Bus__Item **items, size_t count)
{
    Bus__Batch batch = BUS__BATCH__INIT;

    batch.publisher = publisher->id;
    batch.number = publisher->number;
    batch.said = ++publisher->said;
    batch.items = items;
    batch.n_items = count;
    buf_reset(&publisher->packed);
    wire_pack(&publisher->packed, &batch.base);
    nng_msg *message =
        link_seal_packed(&publisher->keys, SEAL_EVENT, buf_text(&publisher->packed), NULL);
    CHECK(message != NULL); /* send_items() saw to the size */
    publisher->sent_ms = clock_mono_ms();
    if (count > 0)
        kept_add(publisher->kept, batch.number, buf_text(&publisher->packed), publisher->sent_ms);

    /* A pub socket never blocks and never refuses: who is slow loses, and sees it by the numbers.
     */
    const int rv = nng_sendmsg(publisher->socket, message, NNG_FLAG_NONBLOCK);
    if (rv != 0) {
        log_warn("publisher: batch %llu: %s", (unsigned long long)batch.number, nng_strerror(rv));
        nng_msg_free(message);
    }
}

static size_t varint_bytes(uint64_t value)
{
    size_t bytes = 1;

    for (; value > 0x7f; value >>= 7)
        bytes++;
    return bytes;
}

/* What the item costs inside a batch: its tag and length too. */
static size_t item_bytes(const Bus__Item *item)
{
    const size_t size = protobuf_c_message_get_packed_size(&item->base);

    return 1 + varint_bytes(size) + size;
}

static bool fits_alone(const Bus__Item *item)
{
    if (item_bytes(item) <= WIRE_MESSAGE_MAX - SEAL_OVERHEAD - BATCH_HEAD_BYTES)
        return true;
    log_error("publisher: an event of %zu bytes is too large for the bus", item_bytes(item));
    return false;
}

/* How many of the items make one batch; at least 1. */
static size_t batch_length(Bus__Item **items, size_t count)
{
    size_t bytes = BATCH_HEAD_BYTES, taken = 0;

    while (taken < count) {
        bytes += item_bytes(items[taken]);
        if (taken > 0 && bytes > BATCH_BYTES_MAX)
            break;
        taken++;
    }
    return taken;
}

size_t publisher_send(struct publisher *publisher, Bus__Item **items, size_t count)
{
    size_t sent = 0;

    pthread_mutex_lock(&publisher->lock);
    for (size_t i = 0; i < count;) {
        const size_t length = batch_length(items + i, count - i);
        if (length > 1 || fits_alone(items[i])) {
            publisher->number++;
            send_batch(publisher, items + i, length);
            sent += length;
        }
        i += length;
    }
    pthread_mutex_unlock(&publisher->lock);
    return sent;
}

static void wait_until(struct publisher *publisher, int64_t mono_ms)
{
    const struct timespec until = {.tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000};

    pthread_cond_timedwait(&publisher->closing_changed, &publisher->lock, &until);
}

/* The heart's thread: sleeps until nothing was said for `heartbeat_ms`, then says the latest
 * number. */
static void *run_heart(void *arg)
{
    struct publisher *publisher = arg;

    pthread_mutex_lock(&publisher->lock);
    while (!publisher->closing) {
        const int64_t now_ms = clock_mono_ms();
        if (now_ms - publisher->sent_ms >= publisher->heartbeat_ms) {
            send_batch(publisher, NULL, 0);
            kept_forget(publisher->kept, now_ms);
        }
        wait_until(publisher, publisher->sent_ms + publisher->heartbeat_ms);
    }
    pthread_mutex_unlock(&publisher->lock);
    return NULL;
}

static int open_socket(nng_socket *socket, const struct publisher_config *config)
{
    int rv;

    if ((rv = nng_pub0_open(socket)) != 0)
        return rv;
    if ((rv = link_tune(*socket)) != 0 ||
        (rv = nng_socket_set_int(*socket, NNG_OPT_SENDBUF, config->queue_limit)) != 0 ||
        (rv = nng_listen(*socket, config->url, NULL, 0)) != 0)
        link_close(*socket);
    return rv;
}

/* The heart waits on the clock that only goes forward. */
static void init_lock(struct publisher *publisher)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&publisher->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&publisher->closing_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum err publisher_open(struct publisher **out, const struct publisher_config *config)
{
    const enum err err = link_check_secret("publisher", config->url, config->secret);
    nng_socket socket;

    CHECK(config->heartbeat_ms > 0 && config->queue_limit > 0);
    if (err != ERR_OK)
        return err;
    const int rv = open_socket(&socket, config);
    if (rv != 0) {
        log_error("publisher %s: %s", config->url, nng_strerror(rv));
        return ERR_UNAVAILABLE;
    }

    struct publisher *publisher = xcalloc(1, sizeof(*publisher));
    publisher->socket = socket;
    seal_keys_init(&publisher->keys, config->secret, (struct text){0});
    publisher->id = id_random();
    publisher->heartbeat_ms = config->heartbeat_ms;
    publisher->kept = kept_create(config->keep_ms, config->keep_bytes);
    init_lock(publisher);
    CHECK(pthread_create(&publisher->heart, NULL, run_heart, publisher) == 0);
    *out = publisher;
    return ERR_OK;
}

void publisher_close(struct publisher *publisher)
{
    const struct timespec linger = {.tv_nsec = LINGER_MS * 1000000L};

    if (publisher == NULL)
        return;
    pthread_mutex_lock(&publisher->lock);
    publisher->closing = true;
    pthread_cond_signal(&publisher->closing_changed);
    pthread_mutex_unlock(&publisher->lock);
    pthread_join(publisher->heart, NULL);

    nanosleep(&linger, NULL);      /* nng_close() does not: 38 of 5,000 messages arrived */
    link_close(publisher->socket); /* no callback of ours hangs on it */
    pthread_mutex_destroy(&publisher->lock);
    pthread_cond_destroy(&publisher->closing_changed);
    kept_destroy(publisher->kept);
    buf_fini(&publisher->packed);
    free(publisher);
}

uint64_t publisher_id(const struct publisher *publisher)
{
    return publisher->id;
}

struct publisher_place publisher_place(struct publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    const struct publisher_place place = {publisher->id, publisher->number, publisher->said};
    pthread_mutex_unlock(&publisher->lock);
    return place;
}

struct publisher_kept publisher_kept(struct publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    const struct publisher_kept kept = {kept_bytes(publisher->kept), kept_forgotten(publisher->kept)};
    pthread_mutex_unlock(&publisher->lock);
    return kept;
}

void publisher_replay(struct publisher *publisher, uint64_t from, uint64_t to, size_t bytes,
                      void (*each)(void *context, struct text batch), void *context)
{
    pthread_mutex_lock(&publisher->lock);
    kept_each(publisher->kept, from, to, bytes, each, context);
    pthread_mutex_unlock(&publisher->lock);
}
