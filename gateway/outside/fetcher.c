#include "gateway/outside/fetcher.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/outside/hosts.h"

#define OPEN_MAX       256
#define PER_HOST_MAX   64
#define QUEUE_MAX      4096
#define HEAD_MAX_BYTES 65536 /* libcurl 7.88 keeps all headers, however many (CVE-2023-38039) */
#define SWEEP_MS       20    /* how late a deadline may be noticed by those that wait */
#define RETURN_MS      10    /* until a mailbox that was full is tried again */
#define REST_MS        60000 /* nothing to do: libcurl's wake-up ends it */
#define GOODBYE_TRIES  100   /* of RETURN_MS */

struct fetcher {
    struct fetcher_config config;
    pthread_t thread;
    CURLM *multi;

    pthread_mutex_t lock; /* guards these three */
    struct hosts hosts;
    bool hurrying, stopping;

    /* The thread's alone. */
    struct transfer *transfers;
    size_t open;
    int64_t sweep_at_ms;
    struct fetch *returning; /* done, but their home was full */
};

struct transfer { /* one fetch under way */
    struct fetcher *fetcher;
    struct fetch *fetch;
    CURL *curl;
    struct curl_slist *headers;
    size_t head_bytes;
    bool too_large;
    char why[CURL_ERROR_SIZE];
    struct transfer *prev, *next;
};

/* ---- back to who asked ---- */

static void give_back(struct fetcher *fetcher, struct fetch *fetch)
{
    fetch->took_us = (clock_mono_ns() - fetch->start_ns) / 1000;
    if (!mailbox_post(fetch->home, fetch))
        DL_APPEND(fetcher->returning, fetch);
}

static void give_back_unanswered(struct fetcher *fetcher, struct fetch *fetch, const char *why)
{
    fetch->status = 0;
    buf_fini(&fetch->answer);
    snprintf(fetch->why, sizeof(fetch->why), "%s", why);
    give_back(fetcher, fetch);
}

static void give_back_again(struct fetcher *fetcher)
{
    struct fetch *fetch, *after;

    DL_FOREACH_SAFE(fetcher->returning, fetch, after)
    {
        DL_DELETE(fetcher->returning, fetch); /* before the post: then it is no longer ours */
        if (!mailbox_post(fetch->home, fetch))
            DL_PREPEND(fetcher->returning, fetch);
    }
}

/* ---- one exchange ---- */

static size_t on_head(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;

    transfer->head_bytes += size * count;
    transfer->too_large = transfer->too_large || transfer->head_bytes > HEAD_MAX_BYTES;
    return transfer->too_large ? 0 : size * count; /* 0 ends the transfer with an error */
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    struct fetch *fetch = transfer->fetch;
    const size_t len = size * count;

    if (len > fetch->answer_max - fetch->answer.len) {
        transfer->too_large = true;
        return 0;
    }
    buf_add(&fetch->answer, bytes, len);
    return len;
}

static struct curl_slist *make_headers(const struct fetch *fetch)
{
    struct curl_slist *headers = NULL;

    for (size_t at = 0; at < fetch->headers.len; at += strlen(fetch->headers.at + at) + 1)
        headers = curl_slist_append(headers, fetch->headers.at + at);
    if (fetch->body.len > 0) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:"); /* else large bodies wait for a 100 */
    }
    return headers;
}

static void set_question(struct transfer *transfer)
{
    CURL *curl = transfer->curl;
    const struct fetch *fetch = transfer->fetch;
    const int64_t left_ms = fetch->deadline_ms - clock_mono_ms();

    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
    if (fetch->body.len > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->body.at);
    }
}

static void set_manners(struct transfer *transfer)
{
    CURL *curl = transfer->curl;

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* else a time-out waits for getaddrinfo() */
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "parley-gateway");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->why);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
}

static void transfer_begin(struct fetcher *fetcher, struct fetch *fetch)
{
    struct transfer *transfer = xcalloc(1, sizeof(*transfer));

    transfer->fetcher = fetcher;
    transfer->fetch = fetch;
    transfer->headers = make_headers(fetch);
    transfer->curl = curl_easy_init();
    CHECK(transfer->curl != NULL);
    set_question(transfer);
    set_manners(transfer);
    CHECK(curl_multi_add_handle(fetcher->multi, transfer->curl) == CURLM_OK);
    DL_APPEND(fetcher->transfers, transfer);
    fetcher->open++;
}

/* Frees all but the fetch, which is returned. */
static struct fetch *transfer_end(struct transfer *transfer)
{
    struct fetcher *fetcher = transfer->fetcher;
    struct fetch *fetch = transfer->fetch;

    DL_DELETE(fetcher->transfers, transfer);
    fetcher->open--;
    curl_multi_remove_handle(fetcher->multi, transfer->curl);
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    free(transfer);
    pthread_mutex_lock(&fetcher->lock);
    hosts_leave(&fetcher->hosts, fetch);
    pthread_mutex_unlock(&fetcher->lock);
    return fetch;
}

static void transfer_finish(struct transfer *transfer, CURLcode result)
{
    struct fetcher *fetcher = transfer->fetcher;
    struct fetch *fetch = transfer->fetch;
    char why[sizeof(fetch->why)];
    long status = 0;

    if (transfer->too_large)
        snprintf(why, sizeof(why), "the answer is too large");
    else if (result == CURLE_OPERATION_TIMEDOUT)
        snprintf(why, sizeof(why), "no answer within %lld ms", (long long)fetch->timeout_ms);
    else
        snprintf(why, sizeof(why), "%.127s",
                 transfer->why[0] != '\0' ? transfer->why : curl_easy_strerror(result));
    if (result == CURLE_OK)
        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    transfer_end(transfer);
    if (status == 0) {
        give_back_unanswered(fetcher, fetch, why);
        return;
    }
    fetch->status = (int)status;
    give_back(fetcher, fetch);
}

/* ---- the thread ---- */

static const char stops[] = "the gateway stops";

static bool is_hurrying(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    const bool hurrying = fetcher->hurrying;
    pthread_mutex_unlock(&fetcher->lock);
    return hurrying;
}

/* Their askers wait for nothing else any more. */
static void end_those_that_do_not_stay(struct fetcher *fetcher)
{
    struct transfer *transfer, *after;
    struct fetch *fetch;

    if (!is_hurrying(fetcher))
        return;
    DL_FOREACH_SAFE(fetcher->transfers, transfer, after)
    if (!transfer->fetch->stays)
        give_back_unanswered(fetcher, transfer_end(transfer), stops);
    pthread_mutex_lock(&fetcher->lock);
    while ((fetch = hosts_hurried(&fetcher->hosts)) != NULL)
        give_back_unanswered(fetcher, fetch, stops);
    pthread_mutex_unlock(&fetcher->lock);
}

static bool is_stopping(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    const bool stopping = fetcher->stopping;
    pthread_mutex_unlock(&fetcher->lock);
    return stopping;
}

static void begin_those_in_turn(struct fetcher *fetcher)
{
    while (fetcher->open < fetcher->config.open_max) {
        pthread_mutex_lock(&fetcher->lock);
        struct fetch *fetch = hosts_next(&fetcher->hosts);
        pthread_mutex_unlock(&fetcher->lock);
        if (fetch == NULL)
            return;
        transfer_begin(fetcher, fetch);
    }
}

/* Returns how many still wait. */
static size_t end_those_too_late(struct fetcher *fetcher)
{
    const int64_t now_ms = clock_mono_ms();
    struct fetch *late = NULL, *fetch, *after;

    pthread_mutex_lock(&fetcher->lock);
    if (fetcher->sweep_at_ms <= now_ms) {
        fetcher->sweep_at_ms = now_ms + SWEEP_MS;
        while ((fetch = hosts_expired(&fetcher->hosts, now_ms)) != NULL)
            DL_APPEND(late, fetch);
    }
    const size_t waiting = fetcher->hosts.waiting;
    pthread_mutex_unlock(&fetcher->lock);

    DL_FOREACH_SAFE(late, fetch, after)
    {
        DL_DELETE(late, fetch);
        give_back_unanswered(fetcher, fetch, "too many before it: its time passed in the queue");
    }
    return waiting;
}

static void take_finished(struct fetcher *fetcher)
{
    int left;
    CURLMsg *message;

    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        const CURLcode result = message->data.result; /* the message goes with its handle */
        struct transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer_finish(transfer, result);
    }
}

static void say_goodbye(struct fetcher *fetcher)
{
    struct fetch *fetch, *after;
    size_t lost = 0;

    while (fetcher->transfers != NULL)
        give_back_unanswered(fetcher, transfer_end(fetcher->transfers), stops);
    pthread_mutex_lock(&fetcher->lock);
    while ((fetch = hosts_any(&fetcher->hosts)) != NULL)
        give_back_unanswered(fetcher, fetch, stops);
    pthread_mutex_unlock(&fetcher->lock);
    for (int i = 0; i < GOODBYE_TRIES && fetcher->returning != NULL; i++) {
        curl_multi_poll(fetcher->multi, NULL, 0, RETURN_MS, NULL);
        give_back_again(fetcher);
    }
    DL_FOREACH_SAFE(fetcher->returning, fetch, after)
    {
        DL_DELETE(fetcher->returning, fetch);
        fetch_destroy(fetch);
        lost++;
    }
    if (lost > 0)
        log_warn("fetcher: %zu answers found their mailbox full until the end", lost);
}

static void *run(void *arg)
{
    struct fetcher *fetcher = arg;
    int running;

    while (!is_stopping(fetcher)) {
        curl_multi_perform(fetcher->multi, &running);
        take_finished(fetcher);
        give_back_again(fetcher);
        end_those_that_do_not_stay(fetcher);
        const size_t waiting = end_those_too_late(fetcher);
        begin_those_in_turn(fetcher);
        const int rest_ms = fetcher->returning != NULL ? RETURN_MS
                            : waiting > 0              ? SWEEP_MS
                                                       : REST_MS;
        curl_multi_poll(fetcher->multi, NULL, 0, rest_ms, NULL);
    }
    say_goodbye(fetcher);
    return NULL;
}

/* ---- from outside ---- */

struct fetcher *fetcher_create(const struct fetcher_config *config)
{
    struct fetcher *fetcher = xcalloc(1, sizeof(*fetcher));
    struct fetcher_config *own = &fetcher->config;

    *own = *config;
    own->open_max = own->open_max != 0 ? own->open_max : OPEN_MAX;
    own->per_host_max = own->per_host_max != 0 ? own->per_host_max : PER_HOST_MAX;
    own->queue_max = own->queue_max != 0 ? own->queue_max : QUEUE_MAX;
    fetcher->hosts = (struct hosts){.per_host_max = own->per_host_max, .queue_max = own->queue_max};
    pthread_mutex_init(&fetcher->lock, NULL);
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    fetcher->multi = curl_multi_init();
    CHECK(fetcher->multi != NULL);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)own->open_max);
    CHECK(pthread_create(&fetcher->thread, NULL, run, fetcher) == 0);
    return fetcher;
}

bool fetcher_start(struct fetcher *fetcher, struct fetch *fetch)
{
    fetch->start_ns = clock_mono_ns();
    fetch->deadline_ms = clock_mono_ms() + fetch->timeout_ms;
    pthread_mutex_lock(&fetcher->lock);
    const bool taken = hosts_add(&fetcher->hosts, fetch);
    pthread_mutex_unlock(&fetcher->lock);
    if (taken)
        curl_multi_wakeup(fetcher->multi);
    return taken;
}

void fetcher_hurry(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->hurrying = true;
    pthread_mutex_unlock(&fetcher->lock);
    curl_multi_wakeup(fetcher->multi);
}

void fetcher_destroy(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->stopping = true;
    pthread_mutex_unlock(&fetcher->lock);
    curl_multi_wakeup(fetcher->multi);
    pthread_join(fetcher->thread, NULL);
    curl_multi_cleanup(fetcher->multi);
    curl_global_cleanup();
    pthread_mutex_destroy(&fetcher->lock);
    free(fetcher);
}
