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
void watch_close(struct watch *watch);

/*
 * The cache may hold old values: no worker of this process uses it until its generation is raised. Then `raised` runs on `worker`.
 * Any thread.
 */
void watch_raise_generation(struct watch *watch, struct worker *worker, struct job *raised);

/* The epoch as last read; any thread. False before the first connection. */
bool watch_epoch(struct watch *watch, char out[64]);
bool watch_is_ready(struct watch *watch);
