/*
 * cpu_time: how much processor time a process has used, all its threads together. Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* User and system time so far in µs, in steps of one clock tick (10 ms); -1 when there is no such
 * process. */
int64_t cpu_time_us(pid_t pid);
