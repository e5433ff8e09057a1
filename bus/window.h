/*
 * window: which numbers of each asker were here before, so that a recorded question does nothing.
 * Numbers come nearly in order: those far behind the highest are taken for old. Of too many askers the
 * one that was silent longest is forgotten. Plain memory, no thread of its own. Inside bus/ only.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

#define WINDOW_NUMBERS    1024 /* behind the highest, that may still come */
#define WINDOW_ASKERS_MAX 4096

struct windows;

struct windows *windows_create(void);
void windows_destroy(struct windows *windows); /* NULL does nothing */

/* False: it was here before, or is too far behind. */
MUST_CHECK bool windows_take(struct windows *windows, uint64_t asker, uint64_t number);
