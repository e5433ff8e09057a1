/*
 * excerpt: the part of a message that a search is about, and where in it. Foreign text in, JSON out; never markup. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "base/text.h"

/*
 * Writes {"text": …, "hits": [[from, to], …]}. `found` are the words that were found, as they stand in `message`, with EXCERPT_SEPARATOR between
 * them; `whole_words`: they count only where a word begins and ends. Around the first of them, at most EXCERPT_CHARS characters and an ellipsis
 * where something was left out. Hits are ascending, do not touch, and count UTF-16 code units, as JavaScript's strings do.
 */
#define EXCERPT_CHARS     200
#define EXCERPT_SEPARATOR '\x01'
void excerpt_write(struct json_out *out, struct text message, struct text found, bool whole_words);
