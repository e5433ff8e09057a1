/*
 * metrics_text: writes numbers as Prometheus reads them (text format 0.0.4): families with HELP and
 * TYPE, once each, and their samples behind them. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* Begins a family. `type`: "counter", "gauge", "histogram". `help` is without its full stop. */
void metrics_text_family(struct buf *out, const char *name, const char *type, const char *help);

/* One sample. `labels`: `code="3500"`, several with commas; empty: none. */
void metrics_text_sample(struct buf *out, const char *name, const char *labels, uint64_t value);

/*
 * One histogram of a family in seconds. `counts` has `bound_count` + 1 fields, each for itself: the
 * last is of what took longer than the last of `bounds_us`.
 */
void metrics_text_histogram(struct buf *out, const char *name, const char *labels,
                            const int64_t *bounds_us, size_t bound_count, const uint64_t *counts,
                            uint64_t sum_us);

/* Appends `name="value"`, with a comma before it unless `labels` is empty; escapes the value. */
void metrics_text_label(struct buf *labels, const char *name, const char *value);
