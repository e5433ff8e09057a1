#include "gateway/metrics.h"

#include <stdio.h>

#include "base/metrics_text.h"
#include "gateway/protocol/codes.h"

#define NAME(label) "parley_gateway_" label

static const struct {
    const char *name, *help;
} table[] = {
#define X(name, label, help) {NAME(label "_total"), help},
    METRICS_TABLE(X)
#undef X
};

static const struct {
    const char *name, *help;
} traffic_table[] = {
#define X(name, label, help) {NAME(label "_total"), help},
    METRICS_TRAFFIC_TABLE(X)
#undef X
};

static const char *const drop_reasons[DROP_COUNT] = {
    [DROP_SLOW] = "slow",
    [DROP_GONE] = "gone",
    [DROP_OVERRUN] = "overrun",
};

/* NULL: not measured, since it has no reply. */
static const char *const command_names[COMMAND_KIND_COUNT] = {
    [COMMAND_CONNECT] = "connect",
    [COMMAND_SUBSCRIBE] = "subscribe",
    [COMMAND_UNSUBSCRIBE] = "unsubscribe",
    [COMMAND_PUBLISH] = "publish",
    [COMMAND_PRESENCE] = "presence",
    [COMMAND_PRESENCE_STATS] = "presence_stats",
    [COMMAND_HISTORY] = "history",
    [COMMAND_RPC] = "rpc",
    [COMMAND_REFRESH] = "refresh",
    [COMMAND_SUB_REFRESH] = "sub_refresh",
};

/* The last field of each is of all other codes. */
static const int error_codes[METRICS_ERROR_COUNT - 1] = {
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
};
static const int disconnect_codes[METRICS_DISCONNECT_COUNT - 1] = {
    1002, 1007, 1009, 3000, 3001, 3004, 3005, 3006, 3008, 3009, 3010, 3011, 3012,
    3013, 3014, 3500, 3501, 3502, 3503, 3504, 3505, 3506, 3507, 3508, 3509,
};

/* ---- counting ---- */

static size_t place_of(const int *codes, size_t count, int code)
{
    size_t place = 0;

    while (place < count && codes[place] != code)
        place++;
    return place;
}

void metrics_error(struct metrics *metrics, int code)
{
    metrics_count(&metrics->errors[place_of(error_codes, ARRAY_COUNT(error_codes), code)], 1);
}

void metrics_disconnect(struct metrics *metrics, int code)
{
    const size_t place = place_of(disconnect_codes, ARRAY_COUNT(disconnect_codes), code);

    metrics_count(&metrics->disconnects[place], 1);
}

void metrics_command(struct metrics *metrics, enum command_kind kind, int64_t took_us)
{
    if (command_names[kind] != NULL)
        metrics_histogram_add(&metrics->commands[kind], took_us);
}

void metrics_waits(struct metrics *metrics, size_t before, size_t now)
{
    struct metrics_waiting *waiting = &metrics->waiting;

    metrics_count(&waiting->bytes, (uint64_t)now - (uint64_t)before);
    if (now > metrics_read(&waiting->peak))
        atomic_store_explicit(&waiting->peak, now, memory_order_relaxed);
}

void metrics_turn(struct metrics *metrics, int64_t now_ms)
{
    struct metrics_waiting *waiting = &metrics->waiting;

    if (now_ms - waiting->turned_ms < METRICS_PEAK_MS)
        return;
    waiting->turned_ms = now_ms;
    atomic_store_explicit(&waiting->old_peak, metrics_read(&waiting->peak), memory_order_relaxed);
    atomic_store_explicit(&waiting->peak, 0, memory_order_relaxed);
}

/* ---- adding up ---- */

uint64_t metrics_sum(struct metrics *const *sets, size_t count, enum metric metric)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += metrics_read(&sets[i]->counts[metric]);
    return sum;
}

static uint64_t sum_of_format(struct metrics *const *sets, size_t count, enum format format,
                              enum traffic traffic)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += metrics_read(&sets[i]->traffic[format][traffic]);
    return sum;
}

uint64_t metrics_left(struct metrics *const *sets, size_t count, enum metric begun,
                      enum metric ended)
{
    const uint64_t gone = metrics_sum(sets, count, ended);

    return metrics_sum(sets, count, begun) - gone;
}

uint64_t metrics_sum_traffic(struct metrics *const *sets, size_t count, enum traffic traffic)
{
    uint64_t sum = 0;

    for (int format = 0; format < FORMAT_COUNT; format++)
        sum += sum_of_format(sets, count, (enum format)format, traffic);
    return sum;
}

uint64_t metrics_sum_drops(struct metrics *const *sets, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        for (int reason = 0; reason < DROP_COUNT; reason++)
            sum += metrics_read(&sets[i]->drops[reason]);
    return sum;
}

uint64_t metrics_sum_waiting(struct metrics *const *sets, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += metrics_read(&sets[i]->waiting.bytes);
    return sum;
}

static uint64_t largest_waiting(struct metrics *const *sets, size_t count)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < count; i++) {
        const struct metrics_waiting *waiting = &sets[i]->waiting;
        const uint64_t peak = metrics_read(&waiting->peak), old = metrics_read(&waiting->old_peak);
        if (peak > largest)
            largest = peak;
        if (old > largest)
            largest = old;
    }
    return largest;
}

/* ---- printing ---- */

void metrics_print_one(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    metrics_text_family(out, name, type, help);
    metrics_text_sample(out, name, "", value);
}

/* Formats that differ in nothing but compression are one to whoever looks at it. */
static enum format first_alike(enum format format)
{
    int first = 0;

    while (strcmp(FORMATS[first].transport, FORMATS[format].transport) != 0 ||
           FORMATS[first].codec->type != FORMATS[format].codec->type)
        first++;
    return (enum format)first;
}

static const char *labels_of(enum format format, char out[80])
{
    snprintf(out, 80, "transport=\"%s\",protocol=\"%s\"", FORMATS[format].transport,
             FORMATS[format].codec->type == PROTOCOL_PROTOBUF ? "protobuf" : "json");
    return out;
}

static void print_traffic(struct buf *out, struct metrics *const *sets, size_t count,
                          enum traffic traffic)
{
    uint64_t sums[FORMAT_COUNT] = {0};
    char labels[80];

    metrics_text_family(out, traffic_table[traffic].name, "counter", traffic_table[traffic].help);
    for (int i = 0; i < FORMAT_COUNT; i++)
        sums[first_alike((enum format)i)] += sum_of_format(sets, count, (enum format)i, traffic);
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (first_alike((enum format)i) == (enum format)i)
            metrics_text_sample(out, traffic_table[traffic].name,
                                labels_of((enum format)i, labels), sums[i]);
}

static void print_drops(struct buf *out, struct metrics *const *sets, size_t count)
{
    const char *name = NAME("dropped_total");
    char label[32];

    metrics_text_family(out, name, "counter",
                        "Messages that never reached the client they were queued for (slow: it "
                        "read too slowly, gone: it went before), or the loop (overrun)");
    for (int reason = 0; reason < DROP_COUNT; reason++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += metrics_read(&sets[i]->drops[reason]);
        snprintf(label, sizeof(label), "reason=\"%s\"", drop_reasons[reason]);
        metrics_text_sample(out, name, label, sum);
    }
}

/* `offset`: of the counters in the sets; there is one more than `codes`. */
static void print_codes(struct buf *out, struct metrics *const *sets, size_t count, size_t offset,
                        const char *name, const char *help, const int *codes, size_t code_count)
{
    char label[32];

    metrics_text_family(out, name, "counter", help);
    for (size_t place = 0; place <= code_count; place++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += metrics_read((_Atomic uint64_t *)((char *)sets[i] + offset) + place);
        if (place < code_count)
            snprintf(label, sizeof(label), "code=\"%d\"", codes[place]);
        else
            snprintf(label, sizeof(label), "code=\"other\"");
        metrics_text_sample(out, name, label, sum);
    }
}

static void print_commands(struct buf *out, struct metrics *const *sets, size_t count)
{
    const char *name = NAME("command_duration_seconds");
    char label[48];

    metrics_text_family(out, name, "histogram",
                        "From a command's arrival to its reply, other commands of the client that "
                        "it waited for included");
    for (int kind = 0; kind < COMMAND_KIND_COUNT; kind++) {
        uint64_t counts[METRICS_BOUND_COUNT + 1] = {0}, sum_us = 0;
        if (command_names[kind] == NULL)
            continue;
        for (size_t i = 0; i < count; i++)
            metrics_histogram_sum(&sets[i]->commands[kind], counts, &sum_us);
        snprintf(label, sizeof(label), "command=\"%s\"", command_names[kind]);
        metrics_text_histogram(out, name, label, METRICS_BOUNDS_US, METRICS_BOUND_COUNT, counts,
                               sum_us);
    }
}

static void print_gauges(struct buf *out, struct metrics *const *sets, size_t count)
{
    metrics_print_one(
        out, NAME("subscriptions"), "gauge", "Subscriptions of clients at present",
        metrics_left(sets, count, METRIC_SUBSCRIBES, METRIC_SUBSCRIPTIONS_ENDED));
    metrics_print_one(out, NAME("waiting_bytes"), "gauge",
                      "Bytes that wait for clients because the kernel does not take them yet: "
                      "these read too slowly, or the network is full",
                      metrics_sum_waiting(sets, count));
    metrics_print_one(out, NAME("waiting_bytes_largest"), "gauge",
                      "The most that waited for one client in the last 15 to 30 seconds; it is "
                      "closed (3008) at client.queue_max_bytes",
                      largest_waiting(sets, count));
}

void metrics_print(struct buf *out, struct metrics *const *sets, size_t count)
{
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        metrics_print_one(out, table[metric].name, "counter", table[metric].help,
                          metrics_sum(sets, count, (enum metric)metric));
    for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
        print_traffic(out, sets, count, (enum traffic)traffic);
    print_gauges(out, sets, count);
    print_drops(out, sets, count);
    print_codes(out, sets, count, offsetof(struct metrics, errors), NAME("errors_total"),
                "Error replies by code", error_codes, ARRAY_COUNT(error_codes));
    print_codes(out, sets, count, offsetof(struct metrics, disconnects), NAME("disconnects_total"),
                "Clients that were told to go, by code", disconnect_codes,
                ARRAY_COUNT(disconnect_codes));
    print_commands(out, sets, count);
}
