/*
 * options_value: from a text to a value, by the type of its row, and back. Inside base/ only.
 */
#pragma once

#include "base/options.h"

/* Sets `option->value`; false, with the value as it was: the text is none of this type. For all but
 * OPTION_JSON. */
MUST_CHECK bool options_parse(const struct option *option, const char *text);

/* May a JSON value of this kind stand for one of this type? */
bool options_take_kind(enum option_type type, enum json_kind kind);

/* Appends what a value may be: "a whole number from 1 to 65535", "one of: text, json". */
void options_describe(struct buf *out, const struct option *option);

/* Calls `take` for each word of "a, b c" or of ["a", "b c"]; false when it is a bad array or `take`
 * says so. */
MUST_CHECK bool options_each_word(const char *text, bool (*take)(void *context, struct text word),
                                  void *context);

/* 90000 -> "1m30s" */
void options_add_duration(struct buf *out, int64_t ms);
