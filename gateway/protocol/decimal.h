/*
 * decimal: numbers compared as they are written, exactly and of any length: digits, before them perhaps a sign, after them
 * perhaps a point and more digits. There are no exponents, no spaces, and no digit may be missing beside the point. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

bool decimal_valid(struct text number);

/* Sets `*order` below, to or above 0 as `a` is less than, equal to or greater than `b`. False: one of them is no number. */
MUST_CHECK bool decimal_compare(struct text a, struct text b, int *order);
