/*
 * window: which numbers of each asker were here before, so that a recorded question does nothing.
 * Numbers come nearly in order: those far behind the highest are taken for old. Plain memory, no
 * thread of its own. Inside bus/ only.
 *
 * A question names the list that it was made for. With one more asker than WINDOW_ASKERS_MAX the list
 * begins anew under another name: nothing that was recorded before is for that one, and askers learn
 * the new name (Greet). Forgetting single askers would let their recordings pass.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

#define WINDOW_NUMBERS    1024 /* behind the highest, that may still come */
#define WINDOW_ASKERS_MAX 4096 /* gateways that were started since: 800 KiB */

struct windows;

struct windows *windows_create(void);
void windows_destroy(struct windows *windows); /* NULL does nothing */

uint64_t windows_name(const struct windows *windows); /* random, never 0 */

/* Of a question that named this list. False: it was here before, or is too far behind. */
MUST_CHECK bool windows_take(struct windows *windows, uint64_t asker, uint64_t number);
