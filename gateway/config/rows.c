#include "gateway/config/rows.h"

#include <stdio.h>
#include <stdlib.h>

void rows_add(struct rows *rows, const char *below, const struct option *more, size_t count)
{
    rows->at = xrealloc(rows->at, (rows->count + count) * sizeof(*rows->at));
    for (size_t i = 0; i < count; i++) {
        char *name;
        struct option *row = &rows->at[rows->count++];
        CHECK(asprintf(&name, "%s%s", below, more[i].name) >= 0);
        *row = more[i];
        row->name = name;
    }
}

void rows_fini(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free((char *)rows->at[i].name);
    free(rows->at);
    *rows = (struct rows){0};
}
