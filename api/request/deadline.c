#include "api/request/deadline.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"

struct deadlines {
    uv_timer_t timer;
    int64_t after_ms;
    void (*on_late)(struct deadline *deadline);
    struct deadline
        list; /* a ring; the first to be late is list.next, since all take equally long */
};

struct deadlines *deadlines_open(uv_loop_t *loop, int64_t after_ms,
                                 void (*on_late)(struct deadline *deadline))
{
    struct deadlines *deadlines = xcalloc(1, sizeof(*deadlines));

    deadlines->after_ms = after_ms;
    deadlines->on_late = on_late;
    deadlines->list.next = deadlines->list.prev = &deadlines->list;
    uv_timer_init(loop, &deadlines->timer);
    deadlines->timer.data = deadlines;
    return deadlines;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void deadlines_close(struct deadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    CHECK(deadlines->list.next == &deadlines->list);
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *deadlines = timer->data;
    const int64_t now_ms = clock_mono_ms();
    struct deadline *first;

    while ((first = deadlines->list.next) != &deadlines->list && first->at_ms <= now_ms) {
        deadlines_remove(deadlines, first);
        deadlines->on_late(first);
    }
    if (first != &deadlines->list)
        uv_timer_start(timer, on_timer, (uint64_t)(first->at_ms - now_ms), 0);
}

void deadlines_add(struct deadlines *deadlines, struct deadline *deadline)
{
    deadline->at_ms = clock_mono_ms() + deadlines->after_ms;
    deadline->next = &deadlines->list;
    deadline->prev = deadlines->list.prev;
    deadline->prev->next = deadline->next->prev = deadline;
    if (!uv_is_active(
            (uv_handle_t *)&deadlines->timer)) /* it runs on when the list empties: cheaper */
        uv_timer_start(&deadlines->timer, on_timer, (uint64_t)deadlines->after_ms, 0);
}

void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline)
{
    if (deadline->next == NULL)
        return;
    deadline->prev->next = deadline->next;
    deadline->next->prev = deadline->prev;
    deadline->next = deadline->prev = NULL;
}
