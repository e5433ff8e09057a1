/*
 * utf8: is it UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF)? Any
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

/* Bytes (1 to 4) of the character that `text` begins with; 0 when it begins with none, or is cut
 * off. */
size_t utf8_char_bytes(struct text text);

bool utf8_valid(struct text text);

/*
 * The same of a text that goes on: false when nothing that may follow makes it UTF-8. `*whole` is
 * how many of its bytes are whole characters; the rest, at most 3, is the beginning of one.
 */
MUST_CHECK bool utf8_valid_start(struct text text, size_t *whole);

/* Writes the character `code` (a scalar value) as 1 to 4 bytes; returns how many. */
size_t utf8_encode(uint32_t code, char out[4]);
