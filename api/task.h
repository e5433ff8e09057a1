/*
 * task: a stackful coroutine, so that a handler that waits reads from top to bottom. The only file that knows how
 * (ucontext, guarded stacks from a pool).
 *
 * The rules, once: a task has 64 KiB of stack and never leaves its loop's thread; it makes no blocking call; whoever suspends
 * it resumes it exactly once, with an error if must be, since what it waits with lives on its stack; a bounded number runs at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"

#define TASK_STACK_BYTES (64 * 1024)

struct task;
struct task_pool; /* one per loop */

struct task_pool *task_pool_create(size_t limit); /* most tasks at once */
void task_pool_destroy(struct task_pool *pool);   /* no task may be alive */
size_t task_pool_alive(const struct task_pool *pool);

/* Runs `fn(arg)` at once, until it first waits. ERR_BUSY: the limit is reached, `fn` was not called. */
MUST_CHECK enum err task_start(struct task_pool *pool, void (*fn)(void *arg), void *arg);

struct task *task_self(void); /* NULL outside of any task */

/* From inside a task: back to the loop until task_resume(). */
void task_wait(void);
/* From the loop (never from another task: CHECKed): lets the task go on from its task_wait(). */
void task_resume(struct task *task);
