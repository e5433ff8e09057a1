/*
 * names: a few texts in one block of memory that cannot grow.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

struct names {
    struct text *at;
    size_t count;
};

static inline bool names_have(const struct names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equal(names->at[i], name))
            return true;
    return false;
}
