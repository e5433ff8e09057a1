/*
 * like: patterns of SQL's LIKE.
 */
#pragma once

#include "base/buf.h"

/* What has `words` anywhere in it; the signs of patterns among them are signs. */
void like_anywhere(struct buf *out, struct text words);
