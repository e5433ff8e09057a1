/*
 * json_check: the validator behind json_parse(). Inside base/ only. Any thread.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* As json_validate(); also counts the tokens jsmn will need, `tokens_max` at most. */
MUST_CHECK enum err json_check(struct text bytes, int tokens_max, int *tokens, char why[96]);

/*
 * Are all eight bytes ASCII that stands in a JSON string as it is (RFC 8259 7)? The high bit of a byte remains where it is below
 * U+0020 (a borrow), a quote or a backslash (a zero after the XOR), or not ASCII. What a borrow makes of its neighbours can only say no.
 */
static inline bool bytes_are_plain(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    const uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';

    return (((eight - ones * 0x20) | (quote - ones) | (backslash - ones) | eight) & highs) == 0;
}

/* The number that the four hex digits at `at` stand for; -1 when they are none. */
int json_hex4(const char *at);
