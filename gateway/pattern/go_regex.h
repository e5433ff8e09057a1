/*
 * go_regex: regular expressions as Go (RE2) writes them, by the C library's POSIX ones.
 *
 * Taken over: literals, ., [...], \d \w \s and their opposites, ^ $, |, groups with (?:...) among
 * them, * + ? {n,m} and their lazy forms, escapes of punctuation and of \t \n \r \f \v. What cannot
 * be had that way (flags, named groups, \b, \p, letters beyond ASCII in brackets) is refused, as is
 * what would compile to something huge. A question of yes or no only: no captures. Any thread.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"

#define GO_REGEX_MAX_BYTES 1024
#define GO_REGEX_SIZE_MAX  1024 /* places: a+ has two, as it becomes aa*, and a{1,9} nine */
#define GO_REGEX_DEPTH_MAX 32   /* of groups */

/*
 * Of at most `size_max` places. False: `why` says what is wrong, and `regex` holds nothing.
 * Otherwise regfree(regex) ends it.
 */
MUST_CHECK bool go_regex_compile(regex_t *regex, const char *pattern, size_t size_max,
                                 struct buf *why);

/* Is there a match anywhere in `subject`? NUL bytes never match. */
bool go_regex_matches(const regex_t *regex, struct text subject);
