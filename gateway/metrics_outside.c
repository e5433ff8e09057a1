#include "gateway/metrics_outside.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/metrics_histogram.h"
#include "base/metrics_text.h"
#include "gateway/outside/proxies.h"
#include "gateway/outside/webhooks.h"

#define NAME(label) "parley_gateway_" label

/* ---- proxies ---- */

static const struct {
    size_t offset; /* in struct proxy_counts */
    const char *outcome;
} outcomes[] = {
    {offsetof(struct proxy_counts, outcomes[PROXY_RESULT]), "result"},
    {offsetof(struct proxy_counts, outcomes[PROXY_ERROR]), "error"},
    {offsetof(struct proxy_counts, outcomes[PROXY_DISCONNECT]), "disconnect"},
    {offsetof(struct proxy_counts, outcomes[PROXY_FAILED]), "failed"},
    {offsetof(struct proxy_counts, refused), "refused"},
    {offsetof(struct proxy_counts, unfit), "unfit"},
};

static uint64_t at(const void *counts, size_t offset)
{
    return metrics_read((const _Atomic uint64_t *)((const char *)counts + offset));
}

static void print_calls(struct buf *out, const char *proxy, const struct proxy_counts *counts)
{
    struct buf labels = {0};

    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        buf_reset(&labels);
        metrics_text_label(&labels, "proxy", proxy);
        metrics_text_label(&labels, "outcome", outcomes[i].outcome);
        metrics_text_sample(out, NAME("proxy_calls_total"), buf_cstring(&labels),
                            at(counts, outcomes[i].offset));
    }
    buf_fini(&labels);
}

static void print_open(struct buf *out, const char *proxy, const struct proxy_counts *counts)
{
    struct buf labels = {0};

    metrics_text_label(&labels, "proxy", proxy);
    metrics_text_sample(out, NAME("proxy_calls_open"), buf_cstring(&labels),
                        metrics_read(&counts->open));
    buf_fini(&labels);
}

static void print_duration(struct buf *out, const char *proxy, const struct proxy_counts *counts)
{
    uint64_t buckets[PROXY_BUCKET_COUNT];
    struct buf labels = {0};

    for (size_t i = 0; i < PROXY_BUCKET_COUNT; i++)
        buckets[i] = metrics_read(&counts->buckets[i]);
    metrics_text_label(&labels, "proxy", proxy);
    metrics_text_histogram(out, NAME("proxy_duration_seconds"), buf_cstring(&labels),
                           proxy_counts_bounds_us, PROXY_BUCKET_COUNT - 1, buckets,
                           metrics_read(&counts->took_us));
    buf_fini(&labels);
}

static void print_each_proxy(struct buf *out, const struct proxies *proxies,
                             void (*print)(struct buf *out, const char *proxy,
                                           const struct proxy_counts *counts))
{
    const struct proxy_counts *counts;
    const char *name;

    for (size_t i = 0; proxies_counts(proxies, i, &name, &counts); i++)
        print(out, name, counts);
}

void metrics_outside_print_proxies(struct buf *out, const struct proxies *proxies)
{
    const struct proxy_counts *counts;
    const char *name;

    if (!proxies_counts(proxies, 0, &name, &counts))
        return;
    metrics_text_family(out, NAME("proxy_calls_total"), "counter",
                        "Questions to back ends by what came of them (failed: no usable answer, "
                        "refused: too many were open, unfit: the client's data is no JSON)");
    print_each_proxy(out, proxies, print_calls);
    metrics_text_family(out, NAME("proxy_calls_open"), "gauge", "Questions under way");
    print_each_proxy(out, proxies, print_open);
    metrics_text_family(out, NAME("proxy_duration_seconds"), "histogram",
                        "How long back ends took to answer");
    print_each_proxy(out, proxies, print_duration);
}

/* ---- webhooks ---- */

static const struct {
    size_t offset; /* in struct webhook_counts */
    const char *name, *type, *help;
} webhook_table[] = {
    {offsetof(struct webhook_counts, waiting), NAME("webhook_events_waiting"), "gauge",
     "Events that wait for their receiver"},
    {offsetof(struct webhook_counts, delivered), NAME("webhook_events_delivered_total"), "counter",
     "Events that their receiver accepted"},
    {offsetof(struct webhook_counts, retries), NAME("webhook_retries_total"), "counter",
     "Batches sent again: the receiver was slow, gone or busy"},
    {offsetof(struct webhook_counts, dropped), NAME("webhook_events_dropped_total"), "counter",
     "Events dropped because the queue was full: the receiver is too slow, or gone"},
    {offsetof(struct webhook_counts, refused), NAME("webhook_events_refused_total"), "counter",
     "Events dropped because the receiver does not want them, or the address is wrong"},
};

/* By their place in the configuration: addresses may be the same, or hold a secret. */
static void print_webhooks(struct buf *out, const struct webhooks *webhooks, size_t row)
{
    const struct webhook_counts *counts;
    const char *name;
    char label[40];

    metrics_text_family(out, webhook_table[row].name, webhook_table[row].type,
                        webhook_table[row].help);
    for (size_t i = 0; webhooks_counts(webhooks, i, &name, &counts); i++) {
        snprintf(label, sizeof(label), "webhook=\"%zu\"", i + 1);
        metrics_text_sample(out, webhook_table[row].name, label,
                            at(counts, webhook_table[row].offset));
    }
}

void metrics_outside_print_webhooks(struct buf *out, const struct webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    for (size_t row = 0; row < ARRAY_COUNT(webhook_table); row++)
        print_webhooks(out, webhooks, row);
}
