#include "api/store/db_steps.h"

#include <stdlib.h>

static void grow(struct db_steps *steps)
{
    const size_t cap = steps->cap != 0 ? steps->cap * 2 : 64;
    struct db_step *ring = xmalloc(cap * sizeof(*ring));

    for (size_t i = 0; i < steps->count; i++)
        ring[i] = steps->ring[(steps->first + i) & (steps->cap - 1)];
    free(steps->ring);
    *steps = (struct db_steps){.ring = ring, .count = steps->count, .cap = cap};
}

void db_steps_add(struct db_steps *steps, enum db_step_kind kind, void *subject)
{
    if (steps->count == steps->cap)
        grow(steps);
    steps->ring[(steps->first + steps->count++) & (steps->cap - 1)] =
        (struct db_step){kind, subject};
}

struct db_step *db_steps_first(struct db_steps *steps)
{
    return steps->count != 0 ? &steps->ring[steps->first] : NULL;
}

void db_steps_drop_first(struct db_steps *steps)
{
    CHECK(steps->count > 0);
    steps->first = (steps->first + 1) & (steps->cap - 1);
    steps->count--;
}

void db_steps_fini(struct db_steps *steps)
{
    free(steps->ring);
    *steps = (struct db_steps){0};
}
