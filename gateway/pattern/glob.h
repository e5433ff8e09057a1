/*
 * glob: names with `*`. Pure, any thread.
 */
#pragma once

#include "base/text.h"

/* `*` matches any run of bytes, none and ':' included; all else itself. */
bool glob_matches(struct text pattern, struct text name);
