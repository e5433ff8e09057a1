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

#define PATTERN_BYTES_MAX  1024
#define PATTERN_REPEAT_MAX 255   /* of {m,n}; of several in one pattern, their product */
#define PATTERN_SIZE_MAX   16384 /* that product times the pattern's bytes: regcomp() writes it out */
#define PATTERN_WHY_BYTES  128

/* False: `why` says what is wrong. On true regfree() it. */
MUST_CHECK bool pattern_compile(regex_t *regex, struct text pattern, char why[PATTERN_WHY_BYTES]);

/* Is it anywhere in `subject`, which may hold any bytes? */
bool pattern_matches(const regex_t *regex, struct text subject);
