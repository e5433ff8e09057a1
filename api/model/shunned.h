/*
 * shunned: by whom somebody has been blocked: those who hide from them. From the cache, else from the database and into the cache; a block
 * drops what is cached (refresh_drop()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/worker.h"
#include "base/buf.h"
#include "base/err.h"

#define SHUNNED_KEY "shunned"

struct shunned {
    int64_t *ids; /* ascending */
    size_t count;
};

/* From a task. Always shunned_fini(). */
MUST_CHECK enum err shunned_read(struct worker *worker, int64_t user_id, struct shunned *shunned);
bool shunned_has(const struct shunned *shunned, int64_t id);
void shunned_fini(struct shunned *shunned);

/* How it stands in the cache: how many, then each id. What comes back may be anything. */
void shunned_write_value(struct buf *out, const struct shunned *shunned);
MUST_CHECK bool shunned_read_value(struct text value, struct shunned *shunned);
