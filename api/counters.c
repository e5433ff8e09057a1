#include "api/counters.h"

#include <stdatomic.h>

#include "base/metrics_text.h"

static _Atomic uint64_t counts[COUNTER_COUNT], levels[GAUGE_COUNT];

static const struct {
    const char *name, *help;
} table[] = {
#define X(name, label, help) {"parley_api_" label "_total", help},
    COUNTERS_TABLE(X)
#undef X
}, level_table[] = {
#define X(name, label, help) {"parley_api_" label, help},
    GAUGES_TABLE(X)
#undef X
};

void counter_add(enum counter counter, uint64_t count)
{
    atomic_fetch_add_explicit(&counts[counter], count, memory_order_relaxed);
}

uint64_t counter_value(enum counter counter)
{
    return atomic_load_explicit(&counts[counter], memory_order_relaxed);
}

void gauge_add(enum gauge gauge, int64_t change)
{
    atomic_fetch_add_explicit(&levels[gauge], (uint64_t)change, memory_order_relaxed);
}

static void write_one(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    metrics_text_family(out, name, type, help);
    metrics_text_sample(out, name, "", value);
}

static void write_kept(struct buf *out, struct publisher *publisher)
{
    const struct publisher_kept kept = publisher_kept(publisher);

    write_one(out, "parley_api_replay_bytes", "gauge", "Bytes of what was sent on the bus, kept for gateways that missed it", kept.bytes);
    write_one(out, "parley_api_replay_forgotten_total", "counter",
              "Batches of that forgotten before bus.keep_ms, since they were more than bus.keep_bytes: who missed one compares all rooms",
              kept.forgotten);
}

void counters_write(struct buf *out, struct publisher *publisher)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        write_one(out, table[i].name, "counter", table[i].help, counter_value((enum counter)i));
    }
    for (int i = 0; i < GAUGE_COUNT; i++) {
        write_one(out, level_table[i].name, "gauge", level_table[i].help, atomic_load_explicit(&levels[i], memory_order_relaxed));
    }
    write_kept(out, publisher);
}
