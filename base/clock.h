/*
 * clock: the two clocks, and RFC 3339. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

#define CLOCK_RFC3339_BYTES 25 /* "2026-11-21T08:00:00.123Z" and NUL */
#define CLOCK_EXACT_BYTES 28   /* "2026-11-21T08:00:00.123456Z" and NUL */

int64_t clock_mono_ms(void);  /* only goes forward; for deadlines and ages within this process */
int64_t clock_mono_ns(void);
int64_t clock_wall_us(void);  /* microseconds since 1970, UTC; may jump; for what others see */

/* Writes `wall_us` with milliseconds, as the API shows times. Years 1970 to 9999. */
void clock_format(int64_t wall_us, char out[CLOCK_RFC3339_BYTES]);
/* The same with microseconds, for times that are compared: order among each other is that of their texts. */
void clock_format_exact(int64_t wall_us, char out[CLOCK_EXACT_BYTES]);
/* Reads RFC 3339 with any offset and 0 to 6 decimals; false when it is not such a time. */
bool clock_parse(struct text time, int64_t *wall_us);
