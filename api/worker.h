/*
 * worker: one loop of the API with all that belongs to it; app: what the process has once.
 *
 * `struct app` is made before the loops start and only read afterwards, but for what says otherwise.
 */
#pragma once

#include <uv.h>

#include "api/store/cache.h"
#include "api/store/db.h"
#include "api/hasher.h"
#include "api/task.h"
#include "base/base.h"
#include "bus/mailbox.h"
#include "bus/publisher.h"
#include "http/listener.h"

#define LANES_MAX 1024 /* 10 bits of a room's id */

struct app;
struct lane_writer; /* api/log/lane_writer.h */
struct ended;       /* api/ended.h: sessions that ended lately */
struct settings;    /* api/settings.h: the options */
struct deadlines;   /* api/request/deadline.h */
struct fleet;       /* api/questions/fleet.h: the gateways */
struct flights;     /* api/flights.h: the same question asked by many */
struct limits;      /* api/request/limits.h: how often somebody may ask */
struct statuses;    /* api/questions/statuses.h: who is online */
struct pages;       /* api/request/pages.h: the web client's files */
struct turns;       /* api/turns.h: one of a person at a time */
struct watch;       /* api/log/watch.h */

struct worker {
    struct app *app;
    int index;
    uv_loop_t loop;
    struct mailbox *mailbox; /* work for this loop from other threads: struct job */
    struct listener *listener;
    struct task_pool *tasks;
    struct deadlines *deadlines; /* of its calls */
    struct db *db;
    struct db *search; /* connections of searches, which may take long */
    struct cache *cache;
    struct flights *flights;
    struct turns *searches; /* of a person one at a time */
    /* Worker 0's alone, which hears the gateways' questions. */
    struct db *search_index; /* reads the log for searches */
    struct cache *streams; /* api/store/streams.h */
    struct fleet *fleet;
    struct statuses *statuses;
};

/*
 * Opens all but the listener, before its thread runs. The settings of the app are in force; db and cache connect by themselves, whenever
 * their servers are there.
 */
void worker_open(struct worker *worker, struct app *app, int index);
/* Starts listening; before its thread runs. ERR_UNAVAILABLE: the port is taken (logged). `port` 0: any. */
MUST_CHECK enum err worker_listen(struct worker *worker, h2o_globalconf_t *http, int port);
/* Runs the loop until worker_close() has been called and all is closed; then frees what is left. */
void worker_run(struct worker *worker);
/* On its loop; no task may be alive and nobody may post to it any more. */
void worker_close(struct worker *worker);

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
    struct limits *limits;
    struct pages *pages;
    struct watch *watch; /* lives on worker 0; room_log.c opens it */
    const char *search_setup[6]; /* SQL of connections for searches; NULL at the end */
    struct worker *workers;
    int worker_count;
    struct lane_writer **lanes; /* by number; each lives on worker (number % worker_count); LANES_MAX entries, NULL beyond */
    _Atomic int lane_count;     /* lanes may be added while running; they are only ever added */
};
