/*
 * process: what another process holds, as /proc tells. Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Resident memory in bytes, counted page by page (/proc/pid/statm is off by some hundred KiB where
 * each processor counts for itself). -1: no such process, or it is another user's. */
int64_t process_rss_bytes(pid_t pid);

/* How many descriptors it has open; -1 likewise. */
int64_t process_descriptors(pid_t pid);
