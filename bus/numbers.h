/*
 * numbers: which of a publisher's running numbers were heard, and which are missing. Plain memory,
 * no thread of its own. Inside bus/ only.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

/* Holes that are remembered, to let what comes late through; of more, the oldest is forgotten (then
 * it is a repeat). */
#define NUMBERS_HOLES_MAX 64

struct number_range {
    uint64_t from, to; /* both are missing */
};

struct numbers {
    uint64_t last;
    size_t hole_count;
    struct number_range holes[NUMBERS_HOLES_MAX]; /* ascending */
};

/* Begins after `last`, whatever was before. */
void numbers_start(struct numbers *numbers, uint64_t last);

/* Everything up to `latest` has been sent. True: `hole` is what was not heard of that, and is
 * remembered as missing. */
MUST_CHECK bool numbers_reach(struct numbers *numbers, uint64_t latest, struct number_range *hole);

/* Number `number` is here, not above last + 1. False: it was here before, or is long forgotten. */
MUST_CHECK bool numbers_take(struct numbers *numbers, uint64_t number);
