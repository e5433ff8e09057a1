/*
 * worker: one loop of the API with all that belongs to it; app: what the process has once.
 *
 * `struct app` is made before the loops start and only read afterwards, but for what says otherwise.
 */
#pragma once

#include <uv.h>

#include "api/cache.h"
#include "api/db.h"
#include "api/hasher.h"
#include "api/task.h"
#include "base/base.h"
#include "bus/mailbox.h"
#include "bus/publisher.h"
#include "http/listener.h"

#define LANES_MAX 1024 /* 10 bits of a room's id */

struct app;
struct lane_writer; /* api/lane_writer.h */
struct ended;       /* api/ended.h: sessions that ended lately */
struct settings;    /* api/settings.h: the options */
struct watch;       /* api/watch.h */

struct worker {
    struct app *app;
    int index;
    uv_loop_t loop;
    struct mailbox *mailbox; /* work for this loop from other threads: struct job */
    struct listener *listener;
    struct task_pool *tasks;
    struct db *db;
    struct cache *cache;
};

/* A piece of work handed to another loop with worker_post(); embedded in what it is about. */
struct job {
    void (*run)(struct job *job); /* on the receiving loop's thread */
};

/* Any thread. False: the worker's mailbox is full, the job was not taken. */
MUST_CHECK bool worker_post(struct worker *worker, struct job *job);

struct app {
    const struct settings *settings;
    struct publisher *publisher;
    struct hasher *hasher;
    struct ended *ended;
    struct watch *watch; /* lives on worker 0; room_log.c opens it */
    struct worker *workers;
    int worker_count;
    struct lane_writer **lanes; /* by number; each lives on worker (number % worker_count); LANES_MAX entries, NULL beyond */
    _Atomic int lane_count;     /* lanes may be added while running; they are only ever added */
};
