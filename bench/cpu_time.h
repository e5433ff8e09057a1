/*
 * cpu_time: how much processor time a process has used, all its threads together. Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* User and system time so far in µs; what a thread that runs right now has used since the last
 * clock tick may be missing. -1: there is no such process. */
int64_t cpu_time_us(pid_t pid);
