/*
 * watch: what a process hears from the database without being asked: sessions that ended, the cache's generation, lanes that were
 * added. Twice a second, on worker 0. It also holds the lock that says this incarnation lives, and at the start finishes the outbox of dead ones.
 */
#pragma once

#include "api/worker.h"
#include "base/err.h"
#include "base/text.h"

struct watch;

struct watch *watch_open(struct worker *worker, int64_t incarnation);
/* Ends it, after a redo that is under way. `done` is called from the loop, perhaps at once. */
void watch_close(struct watch *watch, void (*done)(void *context), void *context);

/*
 * The cache may hold old values: no worker of this process uses it until its generation is raised. Then `raised` runs on `worker`.
 * Any thread.
 */
void watch_raise_generation(struct watch *watch, struct worker *worker, struct job *raised);

/* The epoch as last read; any thread. False before the first connection. */
bool watch_epoch(struct watch *watch, char out[64]);
bool watch_is_ready(struct watch *watch);

/*
 * The cache's generation in the latest news, and when those were asked for (clock_mono_ms()): a cache write of that generation that was done
 * before then is seen by whoever uses a later one. Any thread. False before the first news.
 */
bool watch_news(struct watch *watch, int64_t *generation, int64_t *asked_ms);
