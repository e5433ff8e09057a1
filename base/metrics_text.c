#include "base/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>

void metrics_text_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* The name and what stands in braces behind it. */
static void write_name(struct buf *out, const char *name, const char *suffix, const char *labels,
                       const char *last_label)
{
    const bool comma = labels[0] != '\0' && last_label[0] != '\0';

    buf_printf(out, "%s%s", name, suffix);
    if (labels[0] != '\0' || last_label[0] != '\0')
        buf_printf(out, "{%s%s%s}", labels, comma ? "," : "", last_label);
    buf_add_byte(out, ' ');
}

void metrics_text_sample(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    write_name(out, name, "", labels, "");
    buf_printf(out, "%" PRIu64 "\n", value);
}

void metrics_text_histogram(struct buf *out, const char *name, const char *labels,
                            const int64_t *bounds_us, size_t bound_count, const uint64_t *counts,
                            uint64_t sum_us)
{
    uint64_t sum = 0;
    char bound[48];

    for (size_t i = 0; i <= bound_count; i++) {
        sum += counts[i];
        if (i < bound_count)
            snprintf(bound, sizeof(bound), "le=\"%g\"", (double)bounds_us[i] / 1e6);
        else
            snprintf(bound, sizeof(bound), "le=\"+Inf\"");
        write_name(out, name, "_bucket", labels, bound);
        buf_printf(out, "%" PRIu64 "\n", sum);
    }
    write_name(out, name, "_sum", labels, "");
    buf_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", sum_us / 1000000, sum_us % 1000000);
    write_name(out, name, "_count", labels, "");
    buf_printf(out, "%" PRIu64 "\n", sum);
}

void metrics_text_label(struct buf *labels, const char *name, const char *value)
{
    buf_printf(labels, "%s%s=\"", labels->len > 0 ? "," : "", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            buf_add_byte(labels, '\\');
        if (*value == '\n')
            buf_add(labels, "\\n", 2);
        else
            buf_add_byte(labels, *value);
    }
    buf_add_byte(labels, '"');
}
