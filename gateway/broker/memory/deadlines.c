#include "gateway/broker/memory/deadlines.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/base.h"

struct deadline_list {
    int64_t length_ms;
    struct deadline *first; /* ends first */
    struct deadline_list *next;
};

void deadlines_fini(struct deadlines *deadlines)
{
    while (deadlines->lists != NULL) {
        struct deadline_list *list = deadlines->lists;
        CHECK(list->first == NULL);
        deadlines->lists = list->next;
        free(list);
    }
}

static struct deadline_list *list_of(struct deadlines *deadlines, int64_t length_ms)
{
    struct deadline_list *list;

    for (list = deadlines->lists; list != NULL; list = list->next)
        if (list->length_ms == length_ms)
            return list;
    list = xcalloc(1, sizeof(*list));
    list->length_ms = length_ms;
    list->next = deadlines->lists;
    deadlines->lists = list;
    return list;
}

static void append(struct deadline_list *list, struct deadline *deadline, int64_t now_ms)
{
    deadline->list = list;
    deadline->due_ms = now_ms + list->length_ms;
    DL_APPEND(list->first, deadline);
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t length_ms,
                   int64_t now_ms)
{
    CHECK(length_ms > 0); /* else one that is set anew is due again at once */
    deadlines_drop(deadline);
    append(list_of(deadlines, length_ms), deadline, now_ms);
}

void deadlines_again(struct deadline *deadline, int64_t now_ms)
{
    struct deadline_list *list = deadline->list;

    deadlines_drop(deadline);
    append(list, deadline, now_ms);
}

void deadlines_drop(struct deadline *deadline)
{
    if (deadline->list == NULL)
        return;
    DL_DELETE(deadline->list->first, deadline);
    deadline->list = NULL;
}

struct deadline *deadlines_due(const struct deadlines *deadlines, int64_t now_ms)
{
    const struct deadline_list *list;

    for (list = deadlines->lists; list != NULL; list = list->next)
        if (list->first != NULL && list->first->due_ms <= now_ms)
            return list->first;
    return NULL;
}
