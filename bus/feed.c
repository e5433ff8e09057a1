#include "bus/feed.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/link.h"
#include "bus/mailbox.h"
#include "bus/numbers.h"

#define RECEIVE_QUEUE 8192 /* NNG's most */

/* One API's pub socket, as seen from here. */
struct source {
    struct feed *feed;
    size_t api;
    nng_socket socket;
    nng_aio *aio;
    struct mailbox *mailbox; /* items: nng_msg, or &connection_gone */

    pthread_mutex_t
        gate; /* pipe callbacks may still run while their socket is closed: they look at `closed` */
    bool closed;

    /* The loop's. */
    uint64_t publisher; /* 0: none heard yet */
    uint64_t said;      /* by it, as far as heard */
    struct publisher_place trusted; /* that is taken, and where it was when the API spoke of it */
    bool lost;
    int64_t heard_ms;
    struct numbers numbers;
    struct link_alarm foreign, untrusted;
};

struct feed {
    struct feed_events events;
    void *context;
    struct seal_keys keys;
    struct buf opened; /* the message at hand */
    bool trusts_all;
    int silence_ms;
    uv_timer_t watch;
    int64_t watched_ms;
    bool closing;
    struct feed_counters counters; /* but `dropped` and `ended`, see feed_count() */
    size_t inbox_bytes; /* the most of `waiting_bytes` */
    _Atomic size_t waiting_bytes;
    _Atomic uint64_t over_bytes; /* messages dropped by `inbox_bytes` */
    _Atomic uint64_t ended;
    size_t source_count;
    struct source
        *sources[]; /* each on its own: one may have to be left behind, see feed_close() */
};

static char connection_gone;

/* ---- NNG's threads: the mailbox, the two atomics, and the next receive; nothing else ---- */

static void post_message(struct source *source, nng_msg *message)
{
    struct feed *feed = source->feed;
    const size_t bytes = nng_msg_len(message);

    if (atomic_fetch_add(&feed->waiting_bytes, bytes) + bytes > feed->inbox_bytes)
        atomic_fetch_add(&feed->over_bytes, 1);
    else if (mailbox_post(source->mailbox, message))
        return;
    atomic_fetch_sub(&feed->waiting_bytes, bytes);
    nng_msg_free(message);
}

static void on_bus_message(void *arg)
{
    struct source *source = arg;

    if (nng_aio_result(source->aio) != 0)
        return; /* feed_close() stopped us */
    post_message(source, nng_aio_get_msg(source->aio));
    nng_recv_aio(source->socket, source->aio);
}

static void on_pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct source *source = arg;

    pthread_mutex_lock(&source->gate);
    if (!source->closed) {
        atomic_fetch_add(&source->feed->ended, 1);
        (void)!mailbox_post(source->mailbox,
                            &connection_gone); /* full: the next number or the silence tells */
    }
    pthread_mutex_unlock(&source->gate);
}

/* ---- the loop ---- */

static void lose(struct source *source)
{
    if (source->publisher == 0 || source->lost)
        return;
    source->lost = true;
    source->feed->events.on_lost(source->feed->context, source->api, source->publisher);
}

/*
 * Up to which number a new publisher counts as heard. Of the first one up to where the API said that it
 * is: below may be a recording, and the gateway asks for the state of that time anyway. Of an API that
 * was started again nothing: what it has said by now is a hole like any other.
 */
static uint64_t begins_behind(const struct source *source, uint64_t last)
{
    if (source->feed->trusts_all)
        return last;
    return source->publisher == 0 ? source->trusted.number : 0;
}

/* A sign of life. A publisher that was lost keeps its numbers: what it said meanwhile is a hole. */
static void hear(struct source *source, uint64_t publisher, uint64_t last)
{
    struct feed *feed = source->feed;

    source->heard_ms = clock_mono_ms();
    if (source->publisher == publisher && !source->lost)
        return;
    if (source->publisher != publisher) {
        lose(source); /* the API was started again */
        numbers_start(&source->numbers, begins_behind(source, last));
        source->publisher = publisher;
    }
    source->lost = false;
    feed->events.on_publisher(feed->context, source->api, publisher);
}

static void report_hole(struct source *source, uint64_t latest)
{
    struct feed *feed = source->feed;
    struct number_range hole;

    if (!numbers_reach(&source->numbers, latest, &hole))
        return;
    feed->counters.holes++;
    feed->events.on_hole(feed->context, source->api, source->publisher, hole.from, hole.to);
}

/* Was it said after all that was heard of its publisher, here or by the API's word? */
static bool is_sign_of_life(const struct source *source, const Bus__Batch *batch)
{
    if (batch->said == 0)
        return true; /* of an API that does not count them yet */
    return batch->said > source->trusted.said &&
           (batch->publisher != source->publisher || batch->said > source->said);
}

/* False: it was heard before, or came too early to be heard. */
static bool take_batch(struct source *source, const Bus__Batch *batch)
{
    const bool is_heartbeat = batch->n_items == 0;
    const uint64_t last = is_heartbeat ? batch->number : batch->number - 1;
    struct feed *feed = source->feed;

    if (is_sign_of_life(source, batch)) {
        hear(source, batch->publisher, last);
        source->said = batch->said;
    } else if (is_heartbeat || batch->publisher != source->publisher) {
        return false;
    }
    report_hole(source, last); /* a heartbeat shows that the last batches before a silence were lost */
    if (is_heartbeat)
        return true;
    if (!numbers_take(&source->numbers, batch->number))
        return false;
    feed->events.on_batch(feed->context, source->api, batch);
    return true;
}

static bool is_plausible(const Bus__Batch *batch)
{
    return batch != NULL && batch->publisher != 0 && (batch->n_items == 0 || batch->number > 0);
}

static void count_foreign(struct source *source)
{
    source->feed->counters.foreign++;
    link_alarm(&source->foreign, "feed", "an API sends what is not sealed with our bus key");
}

/* Until the API has said who it is, a recording cannot be told from it. */
static bool is_trusted(struct source *source, uint64_t publisher)
{
    if (source->feed->trusts_all || source->trusted.id == publisher)
        return true;
    source->feed->counters.untrusted++;
    if (source->trusted.id != 0)
        link_alarm(&source->untrusted, "feed", "an API does not call this publisher its own");
    return false;
}

static void take_message(struct source *source, nng_msg *message)
{
    struct feed *feed = source->feed;
    const struct text bytes = link_bytes(message);
    Bus__Batch *batch = NULL;

    if (seal_open(&feed->keys, SEAL_EVENT, bytes, &feed->opened))
        batch = wire_read_batch(buf_text(&feed->opened));
    if (!is_plausible(batch)) {
        count_foreign(source);
    } else if (is_trusted(source, batch->publisher)) {
        feed->counters.messages++;
        feed->counters.bytes += bytes.len;
        feed->counters.repeats += !take_batch(source, batch);
    }
    wire_free_batch(batch);
}

static void on_item(void *context, void *item)
{
    struct source *source = context;

    if (item == &connection_gone) {
        if (!source->feed->closing)
            lose(source);
        return;
    }
    atomic_fetch_sub(&source->feed->waiting_bytes, nng_msg_len(item));
    if (!source->feed->closing)
        take_message(source, item);
    nng_msg_free(item);
}

static void on_watch(uv_timer_t *timer)
{
    struct feed *feed = container_of(timer, struct feed, watch);
    const int64_t now_ms = clock_mono_ms(), slept_ms = now_ms - feed->watched_ms;

    feed->watched_ms = now_ms;
    if (slept_ms > feed->silence_ms / 2)
        return; /* we were the deaf ones: what arrived meanwhile is delivered first */
    for (size_t i = 0; i < feed->source_count; i++)
        if (now_ms - feed->sources[i]->heard_ms > feed->silence_ms)
            lose(feed->sources[i]);
}

/* ---- opening and closing ---- */

static int open_socket(struct source *source, const char *url)
{
    int rv;

    if ((rv = nng_sub0_open(&source->socket)) != 0)
        return rv;
    if ((rv = link_tune(source->socket)) != 0 ||
        (rv = nng_socket_set_int(source->socket, NNG_OPT_RECVBUF, RECEIVE_QUEUE)) != 0 ||
        (rv = nng_socket_set(source->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0)) != 0 ||
        (rv = nng_pipe_notify(source->socket, NNG_PIPE_EV_REM_POST, on_pipe_removed, source)) !=
            0 ||
        (rv = nng_dial(source->socket, url, NULL, NNG_FLAG_NONBLOCK)) != 0)
        link_close(source->socket);
    return rv;
}

static struct source *source_open(struct feed *feed, size_t api, uv_loop_t *loop,
                                  const struct feed_config *config)
{
    struct source *source = xcalloc(1, sizeof(*source));

    source->feed = feed;
    source->api = api;
    pthread_mutex_init(&source->gate, NULL);
    source->mailbox = mailbox_open(loop, config->inbox_limit, on_item, source);
    CHECK(nng_aio_alloc(&source->aio, on_bus_message, source) == 0);

    const int rv = open_socket(source, config->urls[api]);
    if (rv == 0) {
        nng_recv_aio(source->socket, source->aio);
        return source;
    }
    log_error("feed %s: %s", config->urls[api], nng_strerror(rv));
    mailbox_close(source->mailbox);
    nng_aio_free(source->aio);
    pthread_mutex_destroy(&source->gate);
    free(source);
    return NULL;
}

static void source_close(struct source *source)
{
    nng_aio_stop(source->aio); /* waits for its callback */
    pthread_mutex_lock(&source->gate);
    source->closed = true;
    pthread_mutex_unlock(&source->gate);
    mailbox_close(source->mailbox); /* hands us what waits */
    if (!link_close(source->socket))
        return; /* a pipe's callback may still come: the gate stays */
    nng_aio_free(source->aio);
    pthread_mutex_destroy(&source->gate);
    free(source);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct feed *feed = container_of((uv_timer_t *)handle, struct feed, watch);

    buf_fini(&feed->opened);
    free(feed);
}

enum err feed_open(struct feed **out, uv_loop_t *loop, const struct feed_config *config,
                   const struct feed_events *events, void *context)
{
    struct feed *feed = xcalloc(1, sizeof(*feed) + config->url_count * sizeof(feed->sources[0]));

    feed->events = *events;
    feed->context = context;
    seal_keys_init(&feed->keys, config->secret, config->other_secret);
    feed->trusts_all = config->trusts_all;
    feed->silence_ms = config->silence_ms;
    feed->inbox_bytes = config->inbox_bytes;
    feed->watched_ms = clock_mono_ms();
    CHECK(uv_timer_init(loop, &feed->watch) == 0);

    for (size_t i = 0; i < config->url_count; i++) {
        struct source *source = source_open(feed, i, loop, config);
        if (source == NULL) {
            feed_close(feed);
            return ERR_UNAVAILABLE;
        }
        feed->sources[feed->source_count++] = source;
    }
    const uint64_t every_ms = (uint64_t)(feed->silence_ms / 8 + 1);
    CHECK(uv_timer_start(&feed->watch, on_watch, every_ms, every_ms) == 0);
    *out = feed;
    return ERR_OK;
}

void feed_trust(struct feed *feed, size_t api, const struct publisher_place *publisher)
{
    feed->sources[api]->trusted = *publisher;
}

void feed_close(struct feed *feed)
{
    if (feed == NULL)
        return;
    feed->closing = true;
    for (size_t i = 0; i < feed->source_count; i++)
        source_close(feed->sources[i]);
    uv_close((uv_handle_t *)&feed->watch, on_watch_closed);
}

void feed_count(const struct feed *feed, struct feed_counters *out)
{
    *out = feed->counters;
    out->dropped = atomic_load(&feed->over_bytes);
    out->ended = atomic_load(&feed->ended);
    for (size_t i = 0; i < feed->source_count; i++)
        out->dropped += mailbox_dropped(feed->sources[i]->mailbox);
}
