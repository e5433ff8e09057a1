/*
 * returns: what a loop gives back to the broker, many at a time: references to channels that nobody
 * here listens to any more, and clients that left a `live:` channel.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"
#include "gateway/mail/letter.h"

struct returns {
    struct letter letter; /* LETTER_RETURNS */
    unsigned loop;
    bool last; /* this loop has stopped: nothing comes behind this */
    size_t count;
    struct buf bytes; /* records, read with returns_next() */
};

struct returned {
    uint32_t full, member; /* references */
    struct text channel;
    struct text user, client; /* who left `channel`; empty: nobody */
};

struct returns *returns_create(unsigned loop);
void returns_destroy(struct returns *returns);
void returns_add(struct returns *returns, const struct returned *returned); /* copies */

/* Reads the record at `*at` (0 at first) and moves on; false at the end. Texts are borrowed. */
bool returns_next(const struct returns *returns, size_t *at, struct returned *out);
