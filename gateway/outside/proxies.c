#include "gateway/outside/proxies.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define OPEN_MAX         1024
#define ANSWER_MAX_BYTES (1024 * 1024)
#define TIMEOUT_MS       1000
#define LOG_PAUSE_MS     1000 /* a back end that is gone fails all calls for the same reason */

struct proxy {
    struct proxies *proxies;
    const struct proxy_config *config;
    struct proxy_counts counts;
    _Atomic int64_t logged_at_ms;
};

struct proxies {
    struct proxies_config config;
    struct fetcher *fetcher;
    _Atomic size_t open;
    struct proxy at[];
};

struct proxy_call {
    struct proxy *proxy;
    enum proxy_kind kind;
    proxy_done_fn done; /* NULL: forgotten */
    void *context;
};

/* ---- asking ---- */

static bool open_call(struct proxy *proxy)
{
    struct proxies *proxies = proxy->proxies;

    if (atomic_fetch_add(&proxies->open, 1) >= proxies->config.open_max) {
        proxies->open--;
        proxy->counts.refused++;
        return false;
    }
    proxy->counts.open++;
    return true;
}

static void close_call(struct proxy_call *call)
{
    call->proxy->proxies->open--;
    call->proxy->counts.open--;
    free(call);
}

static bool write_question(struct fetch *fetch, const struct proxy_config *config,
                           const struct proxy_question *question)
{
    struct proxy_question own = *question;

    own.is_binary = config->binary_encoding;
    if (!config->include_connection_meta)
        own.meta = (struct text){0};
    return proxy_question_write(&fetch->body, &own);
}

static void on_fetched(void *context, struct fetch *fetch);

struct proxy_call *proxy_ask(struct proxy *proxy, const struct proxy_question *question,
                             const struct proxy_headers *headers, struct mailbox *home,
                             proxy_done_fn done, void *context)
{
    const struct proxy_config *config = proxy->config;

    if (!open_call(proxy))
        return NULL;
    struct proxy_call *call = xcalloc(1, sizeof(*call));
    *call = (struct proxy_call){proxy, question->kind, done, context};
    struct fetch *fetch = fetch_create(config->endpoint, home, on_fetched, call);
    fetch->timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS;
    fetch->answer_max = proxy->proxies->config.answer_max;
    proxy_headers_add(fetch, config, headers);
    if (!write_question(fetch, config, question)) {
        proxy->counts.unfit++;
        goto not_asked;
    }
    if (!fetcher_start(proxy->proxies->fetcher, fetch)) {
        proxy->counts.refused++;
        goto not_asked;
    }
    return call;
not_asked:
    fetch_destroy(fetch);
    close_call(call);
    return NULL;
}

void proxy_forget(struct proxy_call *call)
{
    call->done = NULL;
}

/* ---- the answer ---- */

static struct proxy_answer *answer_to_status(const struct proxy_config *config, int status)
{
    for (size_t i = 0; i < config->transform_count; i++) {
        const struct proxy_transform *transform = &config->transforms[i];
        if (transform->status != status)
            continue;
        return transform->to_disconnect
                   ? proxy_answer_disconnect(transform->code, text(transform->message))
                   : proxy_answer_error(transform->code, text(transform->message),
                                        transform->temporary);
    }
    return proxy_answer_failed("HTTP status %d", status);
}

static struct proxy_answer *read_answer(const struct proxy_call *call, struct fetch *fetch)
{
    if (fetch->status == 0)
        return proxy_answer_failed("%s", fetch->why);
    if (fetch->status != 200)
        return answer_to_status(call->proxy->config, fetch->status);
    return proxy_answer_read(call->kind, &fetch->answer);
}

static void log_failure(struct proxy *proxy, const char *why)
{
    const int64_t now_ms = clock_mono_ms();
    int64_t logged_at_ms = proxy->logged_at_ms;

    if ((logged_at_ms == 0 || now_ms - logged_at_ms >= LOG_PAUSE_MS) &&
        atomic_compare_exchange_strong(&proxy->logged_at_ms, &logged_at_ms, now_ms))
        log_warn("proxy %s: %s", proxy->config->name, why);
}

static void on_fetched(void *context, struct fetch *fetch)
{
    struct proxy_call *call = context;
    const proxy_done_fn done = call->done;
    void *const asker = call->context;
    struct proxy_answer *answer = read_answer(call, fetch);

    proxy_counts_add(&call->proxy->counts, answer->outcome, fetch->took_us);
    if (answer->outcome == PROXY_FAILED)
        log_failure(call->proxy, answer->why);
    close_call(call);
    fetch_destroy(fetch);
    if (done != NULL)
        done(asker, answer);
    else
        proxy_answer_destroy(answer);
}

/* ---- the proxies ---- */

static bool check(const struct proxies_config *config, char why[PROXY_WHY_MAX])
{
    for (size_t i = 0; i < config->count; i++) {
        if (!proxy_config_check(&config->at[i], why))
            return false;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(config->at[i].name, config->at[k].name) != 0)
                continue;
            snprintf(why, PROXY_WHY_MAX, "proxy %s: there are two of that name",
                     config->at[i].name);
            return false;
        }
    }
    return true;
}

struct proxies *proxies_create(const struct proxies_config *config, struct fetcher *fetcher,
                               char why[PROXY_WHY_MAX])
{
    if (!check(config, why))
        return NULL;
    struct proxies *proxies = xcalloc(1, sizeof(*proxies) + config->count * sizeof(proxies->at[0]));
    proxies->config = *config;
    proxies->config.open_max = config->open_max != 0 ? config->open_max : OPEN_MAX;
    proxies->config.answer_max = config->answer_max != 0 ? config->answer_max : ANSWER_MAX_BYTES;
    proxies->fetcher = fetcher;
    for (size_t i = 0; i < config->count; i++) {
        proxies->at[i].proxies = proxies;
        proxies->at[i].config = &config->at[i];
    }
    return proxies;
}

void proxies_destroy(struct proxies *proxies)
{
    if (proxies == NULL)
        return;
    CHECK(proxies->open == 0);
    free(proxies);
}

struct proxy *proxies_find(struct proxies *proxies, struct text name)
{
    for (size_t i = 0; i < proxies->config.count; i++)
        if (text_equal(text(proxies->at[i].config->name), name))
            return &proxies->at[i];
    return NULL;
}

bool proxies_counts(const struct proxies *proxies, size_t index, const char **name,
                    const struct proxy_counts **counts)
{
    if (index >= proxies->config.count)
        return false;
    *name = proxies->at[index].config->name;
    *counts = &proxies->at[index].counts;
    return true;
}
