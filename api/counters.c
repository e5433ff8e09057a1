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

void counters_write(struct buf *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        metrics_text_family(out, table[i].name, "counter", table[i].help);
        metrics_text_sample(out, table[i].name, "", counter_value((enum counter)i));
    }
    for (int i = 0; i < GAUGE_COUNT; i++) {
        metrics_text_family(out, level_table[i].name, "gauge", level_table[i].help);
        metrics_text_sample(out, level_table[i].name, "", atomic_load_explicit(&levels[i], memory_order_relaxed));
    }
}
