/*
 * kept: the batches a publisher sent lately, for Replay: a ring bounded by age and bytes, the
 * oldest goes first. Numbers are dense. Inside bus/ only; the publisher's lock guards it.
 */
#pragma once

#include "base/base.h"
#include "base/text.h"

struct kept;

struct kept *kept_create(int age_ms,
                         size_t bytes); /* bytes: the batches and what it costs to list them */
void kept_destroy(struct kept *kept);

/* Copies `batch`. `number` is one above the last added one. */
void kept_add(struct kept *kept, uint64_t number, struct text batch, int64_t now_ms);
void kept_forget(struct kept *kept, int64_t now_ms); /* what is too old by now */

size_t kept_bytes(const struct kept *kept);
uint64_t kept_forgotten(const struct kept *kept); /* batches that went for want of bytes */

/* Calls `each` for those of from..to that are still there, in order, until `bytes` would be passed.
 */
void kept_each(const struct kept *kept, uint64_t from, uint64_t to, size_t bytes,
               void (*each)(void *context, struct text batch), void *context);
