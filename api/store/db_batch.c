#include "api/store/db_batch.h"

#include <stdlib.h>

void batches_init(struct batches *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void batches_add(struct batches *list, struct batch *batch)
{
    batch->next = NULL;
    *list->last = batch;
    list->last = &batch->next;
}

struct batch *batches_take(struct batches *list)
{
    struct batch *batch = list->first;
    if (batch != NULL && (list->first = batch->next) == NULL)
        list->last = &list->first;
    return batch;
}

/* All or nothing: after an error no query of the batch has rows, since what it did was rolled back.
 */
static void finish(struct batch *batch)
{
    for (size_t i = 0; batch->err != ERR_OK && i < batch->count; i++) {
        db_rows_fini(&batch->queries[i].rows);
        if (batch->queries[i].err == ERR_OK)
            batch->queries[i].err = batch->err;
    }
    batch->done(batch->context); /* may free the queries */
    free(batch);
}

void batches_finish(struct batches *list, enum err err)
{
    struct batch *batch = list->first, *next;

    batches_init(list);
    for (; batch != NULL; batch = next) {
        next = batch->next;
        if (err != ERR_OK)
            batch->err = err;
        finish(batch);
    }
}
