/*
 * pattern: regular expressions that operators write for Centrifugo, as POSIX extended ones. What
 * would mean something else there (\d, lazy repeats, (?...) groups) is refused instead of being
 * understood wrongly, as is what would compile to something huge. Any thread.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

#define PATTERN_SIZE_MAX  1024 /* as regcomp() writes it out: a+ is aa*, a{1,9} nine times a */
#define PATTERN_DEPTH_MAX 16   /* of parentheses */
#define PATTERN_WHY_BYTES 128

/* Of at most `size_max` places. False: `why` says what is wrong. On true regfree() it. */
MUST_CHECK bool pattern_compile(regex_t *regex, struct text pattern, size_t size_max,
                                char why[PATTERN_WHY_BYTES]);

/* Is it anywhere in `subject`, which may hold any bytes? */
bool pattern_matches(const regex_t *regex, struct text subject);
