#include "gateway/metrics.h"

#include <inttypes.h>

static const struct {
    const char *name, *help;
} table[] = {
#define X(name, label, help) {"parley_gateway_" label "_total", help},
    METRICS_TABLE(X)
#undef X
};

void metrics_print_one(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name, type, name,
               value);
}

void metrics_print(struct buf *out, struct metrics *const *sets, size_t count)
{
    for (size_t metric = 0; metric < METRIC_COUNT; metric++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += atomic_load_explicit(&sets[i]->counts[metric], memory_order_relaxed);
        metrics_print_one(out, table[metric].name, "counter", table[metric].help, sum);
    }
}
