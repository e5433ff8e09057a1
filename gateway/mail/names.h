/*
 * names: a few texts in one block of memory that cannot grow.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"
#include "bus/wire.h"

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

/* Copies into a block of memory under way: the texts' places at `*places`, their bytes at `*bytes`;
 * both move on. */
struct names names_copy(const ProtobufCBinaryData *from, size_t count, struct text **places,
                        char **bytes);
size_t names_bytes(const ProtobufCBinaryData *from, size_t count);
