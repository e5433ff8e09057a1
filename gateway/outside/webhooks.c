#include "gateway/outside/webhooks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/outside/http_url.h"
#include "gateway/outside/webhook_queue.h"
#include "gateway/outside/webhook_sign.h"

#define BATCH_MAX        100
#define BATCH_MAX_BYTES  (256 * 1024)
#define QUEUE_MAX        10000
#define TIMEOUT_MS       5000
#define RETRY_MAX_MS     30000
#define RETRY_FIRST_MS   200
#define ANSWER_MAX_BYTES 65536 /* nobody reads it */

enum webhook_state {
    WEBHOOK_RESTING,    /* nothing waits */
    WEBHOOK_COLLECTING, /* the timer runs: the first of a batch waits for others */
    WEBHOOK_SENDING,    /* a fetch is under way */
    WEBHOOK_PAUSING,    /* the timer runs: the batch was not accepted */
};

struct webhook {
    struct webhooks *all;
    struct webhook_config config;
    struct webhook_counts counts;
    struct webhook_queue queue; /* guarded by the lock of all */

    /* The loop's. */
    enum webhook_state state;
    uv_timer_t timer;
    struct buf batch; /* the body; empty: none */
    size_t batch_count;
    int tries;    /* in vain, of this batch */
    bool refused; /* the last batch was; that was logged */
};

struct webhooks {
    struct fetcher *fetcher;
    const char *node;
    uint64_t start; /* random: the first half of an id */
    pthread_mutex_t lock;
    uint64_t last_number; /* guarded by it: the second half, ascending in every queue */

    uv_async_t wakeup;
    struct mailbox *mailbox; /* home of the fetches */
    size_t under_way, handles;
    bool finishing, closing;
    size_t count;
    struct webhook at[];
};

/*
 * One webhook, on the loop. The way of a batch:
 *
 *   look -> collect -> send -> on_sent -> forget_batch -> look
 *
 * Not accepted: on_sent -> pause -> send. Nothing waits: look rests until webhooks_tell() wakes it.
 */
static void look(struct webhook *webhook);
static void collect(struct webhook *webhook);
static void send_batch(struct webhook *webhook);
static void on_sent(void *context, struct fetch *fetch);
static void pause_then_send(struct webhook *webhook, int status, const char *why);
static void forget_batch(struct webhook *webhook);
static void free_when_closed(struct webhooks *webhooks);

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How long its first event may still wait; -1: there is none. */
static int64_t time_left(struct webhook *webhook)
{
    const struct webhook_queue *queue = &webhook->queue;
    int64_t left_ms = -1;

    pthread_mutex_lock(&webhook->all->lock);
    if (queue->count >= webhook->config.batch_max ||
        (queue->first != NULL && webhook->all->finishing))
        left_ms = 0;
    else if (queue->first != NULL)
        left_ms = max_i64(queue->first->since_ms + webhook->config.delay_ms - clock_mono_ms(), 0);
    pthread_mutex_unlock(&webhook->all->lock);
    return left_ms;
}

static void on_collected(uv_timer_t *timer)
{
    collect(container_of(timer, struct webhook, timer));
}

static void look(struct webhook *webhook)
{
    const int64_t left_ms = time_left(webhook);

    if (webhook->state != WEBHOOK_RESTING && webhook->state != WEBHOOK_COLLECTING)
        return; /* it looks again when the batch is done */
    if (left_ms < 0) {
        webhook->state = WEBHOOK_RESTING;
    } else if (left_ms > 0) {
        webhook->state = WEBHOOK_COLLECTING;
        uv_timer_start(&webhook->timer, on_collected, (uint64_t)left_ms, 0);
    } else {
        uv_timer_stop(&webhook->timer);
        collect(webhook);
    }
}

static void write_batch_start(struct webhook *webhook)
{
    struct json_out out = {.buf = &webhook->batch};

    json_open(&out, '{');
    json_key_text(&out, "node", text(webhook->all->node));
    json_key(&out, "events");
    buf_add_byte(&webhook->batch, '[');
}

static void collect(struct webhook *webhook)
{
    write_batch_start(webhook);
    pthread_mutex_lock(&webhook->all->lock);
    webhook->batch_count =
        webhook_queue_take(&webhook->queue, &webhook->batch, webhook->config.batch_max,
                           webhook->config.batch_max_bytes);
    webhook->counts.waiting = webhook->queue.count;
    pthread_mutex_unlock(&webhook->all->lock);
    buf_add(&webhook->batch, "]}", 2);
    send_batch(webhook);
}

static struct fetch *make_fetch(struct webhook *webhook)
{
    const struct webhook_config *config = &webhook->config;
    struct fetch *fetch = fetch_create(config->url, webhook->all->mailbox, on_sent, webhook);
    struct buf signature = {0};

    fetch->timeout_ms = config->timeout_ms;
    fetch->answer_max = ANSWER_MAX_BYTES;
    fetch->stays = true; /* until webhooks_close() */
    buf_add(&fetch->body, webhook->batch.at, webhook->batch.len);
    if (config->secret != NULL && config->secret[0] != '\0') {
        webhook_sign(&signature, text(config->secret), clock_wall_us() / 1000000,
                     buf_text(&fetch->body));
        CHECK(fetch_add_header(fetch, TEXT("X-Parley-Signature"), buf_text(&signature)));
        buf_fini(&signature);
    }
    return fetch;
}

static void send_batch(struct webhook *webhook)
{
    struct fetch *fetch = make_fetch(webhook);

    if (!fetcher_start(webhook->all->fetcher, fetch)) {
        fetch_destroy(fetch);
        pause_then_send(webhook, 0, "too many requests wait for its host");
        return;
    }
    webhook->state = WEBHOOK_SENDING;
    webhook->all->under_way++;
}

static void take_outcome(struct webhook *webhook, int status, const char *why)
{
    if (status == 0 || status == 429 || status >= 500) {
        pause_then_send(webhook, status, why);
        return;
    }
    if (status >= 200 && status <= 299) {
        if (webhook->tries > 0)
            log_info("webhook %s: accepts again, after %d tries in vain", webhook->config.name,
                     webhook->tries);
        webhook->counts.delivered += webhook->batch_count;
        webhook->refused = false;
    } else {
        if (!webhook->refused)
            log_warn("webhook %s: HTTP status %d: such batches are dropped", webhook->config.name,
                     status);
        webhook->counts.refused += webhook->batch_count;
        webhook->refused = true;
    }
    forget_batch(webhook);
    webhook->state = WEBHOOK_RESTING;
    look(webhook);
}

static void on_sent(void *context, struct fetch *fetch)
{
    struct webhook *webhook = context;

    webhook->all->under_way--;
    if (webhook->all->closing)
        free_when_closed(webhook->all);
    else
        take_outcome(webhook, fetch->status, fetch->why);
    fetch_destroy(fetch);
}

static void on_paused(uv_timer_t *timer)
{
    send_batch(container_of(timer, struct webhook, timer));
}

/* Between a half and the whole of a pause that doubles: gateways that failed together do not come
 * back together. */
static int64_t pause_of(const struct webhook *webhook)
{
    int64_t pause_ms = RETRY_FIRST_MS;

    for (int i = 1; i < webhook->tries && pause_ms < webhook->config.retry_max_ms; i++)
        pause_ms *= 2;
    if (pause_ms > webhook->config.retry_max_ms)
        pause_ms = webhook->config.retry_max_ms;
    return pause_ms / 2 + (int64_t)(id_random() % (uint64_t)(pause_ms / 2 + 1));
}

static void pause_then_send(struct webhook *webhook, int status, const char *why)
{
    webhook->tries++;
    webhook->counts.retries++;
    if (webhook->tries == 1) {
        if (status != 0)
            log_warn("webhook %s: HTTP status %d, tries again", webhook->config.name, status);
        else
            log_warn("webhook %s: %s, tries again", webhook->config.name, why);
    }
    webhook->state = WEBHOOK_PAUSING;
    uv_timer_start(&webhook->timer, on_paused, (uint64_t)pause_of(webhook), 0);
}

static void forget_batch(struct webhook *webhook)
{
    buf_fini(&webhook->batch);
    webhook->batch_count = 0;
    webhook->tries = 0;
}

/* ---- telling ---- */

bool webhooks_want(const struct webhooks *webhooks, enum webhook_kind kind)
{
    for (size_t i = 0; webhooks != NULL && i < webhooks->count; i++)
        if ((webhooks->at[i].config.kinds >> kind) & 1u)
            return true;
    return false;
}

/* With the lock. Returns whether the loop has to look. */
static bool push(struct webhook *webhook, struct text start, struct text rest, int64_t now_ms)
{
    struct webhook_queue *queue = &webhook->queue;

    webhook->counts.dropped += webhook_queue_push(queue, start, rest, now_ms);
    webhook->counts.waiting = queue->count;
    return queue->count == 1 || queue->count == webhook->config.batch_max;
}

void webhooks_tell(struct webhooks *webhooks, const struct webhook_event *event)
{
    const int64_t now_ms = clock_mono_ms();
    struct buf rest = {0};
    char start[64];
    bool wake = false;

    if (!webhooks_want(webhooks, event->kind))
        return;
    webhook_event_write(&rest, event, clock_wall_us() / 1000);
    buf_add_byte(&rest, '}');
    pthread_mutex_lock(&webhooks->lock);
    snprintf(start, sizeof(start), "{\"id\":\"%016" PRIx64 "-%" PRIu64 "\",", webhooks->start,
             ++webhooks->last_number);
    for (size_t i = 0; i < webhooks->count; i++)
        if ((webhooks->at[i].config.kinds >> event->kind) & 1u)
            wake |= push(&webhooks->at[i], text(start), buf_text(&rest), now_ms);
    pthread_mutex_unlock(&webhooks->lock);
    if (wake)
        uv_async_send(&webhooks->wakeup);
    buf_fini(&rest);
}

static void on_wakeup(uv_async_t *wakeup)
{
    struct webhooks *webhooks = container_of(wakeup, struct webhooks, wakeup);

    for (size_t i = 0; i < webhooks->count; i++)
        look(&webhooks->at[i]);
}

/* ---- all of them ---- */

static void on_letter(void *context, void *item)
{
    fetch_deliver(item);
}

static void webhook_init(struct webhook *webhook, struct webhooks *all,
                         const struct webhook_config *config, uv_loop_t *loop)
{
    struct webhook_config *own = &webhook->config;

    webhook->all = all;
    *own = *config;
    own->batch_max = own->batch_max != 0 ? own->batch_max : BATCH_MAX;
    own->batch_max_bytes = own->batch_max_bytes != 0 ? own->batch_max_bytes : BATCH_MAX_BYTES;
    own->queue_max = own->queue_max != 0 ? own->queue_max : QUEUE_MAX;
    own->timeout_ms = own->timeout_ms != 0 ? own->timeout_ms : TIMEOUT_MS;
    own->retry_max_ms = own->retry_max_ms != 0 ? own->retry_max_ms : RETRY_MAX_MS;
    if (own->batch_max > own->queue_max)
        own->batch_max = own->queue_max; /* else nothing would say that a batch is full */
    webhook->queue.max = own->queue_max;
    uv_timer_init(loop, &webhook->timer);
}

static bool check(const struct webhook_config *config, size_t count, char why[WEBHOOKS_WHY_MAX])
{
    for (size_t i = 0; i < count; i++) {
        const char *wrong = http_url_wrong(text(config[i].url));
        if (wrong == NULL)
            continue;
        snprintf(why, WEBHOOKS_WHY_MAX, "webhook %s: url: %s", config[i].name, wrong);
        return false;
    }
    return true;
}

struct webhooks *webhooks_open(uv_loop_t *loop, struct fetcher *fetcher,
                               const struct webhook_config *config, size_t count, const char *node,
                               char why[WEBHOOKS_WHY_MAX])
{
    if (!check(config, count, why))
        return NULL;
    struct webhooks *webhooks = xcalloc(1, sizeof(*webhooks) + count * sizeof(webhooks->at[0]));
    webhooks->fetcher = fetcher;
    webhooks->node = node;
    webhooks->start = id_random();
    pthread_mutex_init(&webhooks->lock, NULL);
    webhooks->mailbox = mailbox_open(loop, count + 1, on_letter, webhooks);
    CHECK(uv_async_init(loop, &webhooks->wakeup, on_wakeup) == 0);
    for (size_t i = 0; i < count; i++)
        webhook_init(&webhooks->at[i], webhooks, &config[i], loop);
    webhooks->count = count;
    webhooks->handles = count + 1;
    return webhooks;
}

void webhooks_finish(struct webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    webhooks->finishing = true;
    for (size_t i = 0; i < webhooks->count; i++)
        look(&webhooks->at[i]);
}

bool webhooks_idle(const struct webhooks *webhooks)
{
    for (size_t i = 0; webhooks != NULL && i < webhooks->count; i++)
        if (webhooks->at[i].counts.waiting > 0 || webhooks->at[i].batch_count > 0)
            return false;
    return true;
}

bool webhooks_counts(const struct webhooks *webhooks, size_t index, const char **name,
                     const struct webhook_counts **counts)
{
    if (webhooks == NULL || index >= webhooks->count)
        return false;
    *name = webhooks->at[index].config.name;
    *counts = &webhooks->at[index].counts;
    return true;
}

/* ---- closing ---- */

static void webhook_fini(struct webhook *webhook)
{
    const size_t lost = webhook_queue_clear(&webhook->queue) + webhook->batch_count;

    if (lost > 0)
        log_warn("webhook %s: %zu events were not delivered at the end", webhook->config.name,
                 lost);
    forget_batch(webhook);
}

static void free_when_closed(struct webhooks *webhooks)
{
    if (webhooks->under_way > 0)
        return;
    mailbox_close(webhooks->mailbox);
    webhooks->mailbox = NULL; /* at its second call here it may be freed */
    if (webhooks->handles > 0)
        return;
    for (size_t i = 0; i < webhooks->count; i++)
        webhook_fini(&webhooks->at[i]);
    pthread_mutex_destroy(&webhooks->lock);
    free(webhooks);
}

static void handle_gone(struct webhooks *webhooks)
{
    webhooks->handles--;
    free_when_closed(webhooks);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_gone(container_of((uv_timer_t *)handle, struct webhook, timer)->all);
}

static void on_wakeup_closed(uv_handle_t *handle)
{
    handle_gone(container_of((uv_async_t *)handle, struct webhooks, wakeup));
}

void webhooks_close(struct webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    webhooks->closing = true;
    uv_close((uv_handle_t *)&webhooks->wakeup, on_wakeup_closed);
    for (size_t i = 0; i < webhooks->count; i++)
        uv_close((uv_handle_t *)&webhooks->at[i].timer, on_timer_closed);
}
