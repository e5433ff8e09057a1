#include "api/log/marks.h"

#include <stdlib.h>

void marks_init(struct marks *marks, size_t count_max)
{
    size_t size = 2;

    while (size < 2 * count_max)
        size *= 2;
    *marks = (struct marks){xcalloc(size, sizeof(*marks->at)), size - 1, 1};
}

void marks_fini(struct marks *marks)
{
    free(marks->at);
}

void marks_reset(struct marks *marks)
{
    marks->round++;
}

/* Where the key is, or may be put. */
static struct mark *find(const struct marks *marks, uint64_t key)
{
    size_t at = key & marks->mask;

    while (marks->at[at].round == marks->round && marks->at[at].key != key)
        at = (at + 1) & marks->mask;
    return &marks->at[at];
}

bool marks_have(const struct marks *marks, uint64_t key)
{
    return find(marks, key)->round == marks->round;
}

void marks_add(struct marks *marks, uint64_t key)
{
    *find(marks, key) = (struct mark){key, marks->round};
}
