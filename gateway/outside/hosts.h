/*
 * hosts: whose turn it is: for each host a line of fetches that wait and a count of those under
 * way, so that a host that hangs fills its own line and holds its own share of the connections
 * only.
 *
 * No lock of its own: fetcher.c has one around all calls.
 */
#pragma once

#include "gateway/outside/fetch.h"

struct hosts {
    struct host *first; /* a list; the one served last stands at its end */
    size_t host_count;
    size_t waiting; /* fetches, over all hosts */
    size_t per_host_max, queue_max;
};

/* Takes the fetch on true. False: `queue_max` wait for that host already, or there are more hosts
 * than anybody configures. */
MUST_CHECK bool hosts_add(struct hosts *hosts, struct fetch *fetch);

/* The next to begin, host by host; NULL: none may. It counts as under way until hosts_leave(). */
struct fetch *hosts_next(struct hosts *hosts);
void hosts_leave(struct hosts *hosts, struct fetch *fetch);

/* One of those that wait and whose deadline has passed; NULL: none. */
struct fetch *hosts_expired(struct hosts *hosts, int64_t now_ms);
/* One of those that wait and do not stay; NULL: none. */
struct fetch *hosts_hurried(struct hosts *hosts);
/* One of those that wait, whatever its deadline; NULL: none. */
struct fetch *hosts_any(struct hosts *hosts);
