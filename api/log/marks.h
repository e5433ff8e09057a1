/*
 * marks: a set of hashes that is emptied by counting on: what is in a batch already.
 *
 * Open addressing with at least twice the places. A table of marks without their keys would not do: by the birthday paradox,
 * two of fifty rows share one of a thousand places.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct mark {
    uint64_t key, round; /* the round that set it */
};

struct marks {
    struct mark *at;
    size_t mask;
    uint64_t round; /* 64 bits never wrap */
};

void marks_init(struct marks *marks, size_t count_max); /* that many a round */
void marks_fini(struct marks *marks);
void marks_reset(struct marks *marks); /* forgets all */
bool marks_have(const struct marks *marks, uint64_t key);
void marks_add(struct marks *marks, uint64_t key);
