/*
 * cache_seal: every value in Redis ends in 16 digits, a checksum of it and of where it stands. A
 * value in which a byte has changed, or that stands in another's place, is not believed. No
 * protection against people: they can reckon, too.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define CACHE_SEAL_BYTES 16

/*
 * Seals what `out` holds from `from` on: the value of `key`, or of its `field` (empty: the key is
 * no hash).
 */
void cache_seal(struct buf *out, size_t from, struct text key, struct text field);

/* Takes the seal off `value`; false: it is not what was sealed for this place. */
MUST_CHECK bool cache_unseal(struct text *value, struct text key, struct text field);
