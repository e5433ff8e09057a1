/*
 * deadline: things that all may take equally long, and what happens to the one that takes longer.
 * One list and one timer per loop; loop's thread only.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

struct deadlines;

struct deadline { /* embedded in what it is about; zero-initialised is in no list */
    struct deadline *next, *prev;
    int64_t at_ms;
};

/* `on_late` is called once, from the loop, the deadline then being in no list. */
struct deadlines *deadlines_open(uv_loop_t *loop, int64_t after_ms,
                                 void (*on_late)(struct deadline *deadline));
void deadlines_close(
    struct deadlines *deadlines); /* none may be left; memory goes with the close callback */

void deadlines_add(struct deadlines *deadlines, struct deadline *deadline);
void deadlines_remove(struct deadlines *deadlines,
                      struct deadline *deadline); /* in no list: does nothing */
