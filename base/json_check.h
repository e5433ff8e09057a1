/*
 * json_check: the validator behind json_parse(). Inside base/ only. Any thread.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

/* As json_validate(); also counts the tokens jsmn will need, `tokens_max` at most. */
MUST_CHECK enum err json_check(struct text bytes, int tokens_max, int *tokens, char why[96]);

/* The number that the four hex digits at `at` stand for; -1 when they are none. */
int json_hex4(const char *at);
