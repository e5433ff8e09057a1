/*
 * deadlines: things that end so long after they were last touched. One list for each length of
 * time, so that each is in order by itself and nothing has to be sorted or searched: there are as
 * many lists as the configuration has different lengths. Time is the caller's, ms, never backwards.
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct deadline_list;

/* Embedded in the thing. Zero-initialised: it does not end. */
struct deadline {
    struct deadline_list *list; /* NULL: it does not end */
    int64_t due_ms;
    struct deadline *prev, *next;
};

/* Zero-initialised is empty and valid. */
struct deadlines {
    struct deadline_list *lists;
};

void deadlines_fini(struct deadlines *deadlines); /* nothing may wait any more */

/* It ends at `now_ms` + `length_ms` (above 0), whatever was said before. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, int64_t length_ms,
                   int64_t now_ms);
void deadlines_again(struct deadline *deadline, int64_t now_ms); /* the same length once more */
void deadlines_drop(struct deadline *deadline); /* it does not end; doing it twice is once */

/* One that is due; it stays until it is dropped or set anew. NULL: none. */
struct deadline *deadlines_due(const struct deadlines *deadlines, int64_t now_ms);
