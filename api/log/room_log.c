#include "api/log/room_log.h"

#include <sodium.h>
#include <stdlib.h>

#include "api/log/lane_writer.h"
#include "api/settings.h"
#include "api/task.h"
#include "api/log/watch.h"
#include "base/id.h"

void log_hash(struct text bytes, unsigned char out[LOG_HASH_BYTES])
{
    CHECK(crypto_generichash(out, LOG_HASH_BYTES, (const unsigned char *)bytes.at, bytes.len, NULL, 0) == 0);
}

enum err log_outcome_err(const struct log_row *row)
{
    switch (row->outcome) {
    case LOG_STORED:
    case LOG_REPEATED:
    case LOG_UNCHANGED:
        return ERR_OK;
    case LOG_REUSED:
        return ERR_NONCE_REUSED;
    case LOG_NOT_MEMBER:
        /* A public room shows itself to everybody; of others a stranger hears nothing. */
        return row->has_room_kind && row->room_kind == ROOM_PUBLIC ? ERR_MEMBER_REQUIRED : ERR_NOT_FOUND;
    case LOG_NO_ROOM:
    case LOG_ABSENT:
        return ERR_NOT_FOUND;
    case LOG_SILENCED:
        return ERR_SILENCED;
    case LOG_BEYOND_LAST:
        return ERR_BEYOND_LAST;
    case LOG_UNKNOWN_USER:
        return ERR_UNKNOWN_USER;
    case LOG_ROLE_REQUIRED:
        return ERR_ROLE_REQUIRED;
    case LOG_NOT_POSSIBLE:
        return ERR_NOT_POSSIBLE;
    case LOG_BLOCKED:
        return ERR_BLOCKED;
    case LOG_CONTACTS_ONLY:
        return ERR_CONTACTS_ONLY;
    case LOG_BANNED:
        return ERR_BANNED;
    case LOG_OVER:
        return ERR_OUT_OF_RANGE;
    case LOG_STALE:
        return ERR_VERSION_CHANGED;
    case LOG_FULL:
        return ERR_ROOM_FULL;
    case LOG_NO_MESSAGE:
        return ERR_NOT_FOUND;
    case LOG_NO_ORIGINAL:
        return ERR_UNKNOWN_MESSAGE;
    case LOG_TOO_MANY:
        return ERR_TOO_MANY;
    }
    return ERR_INTERNAL;
}

/* ---- from the task to the lane's loop and back ---- */

static struct lane_writer *find_writer(struct app *app, int lane)
{
    return lane < LANES_MAX ? __atomic_load_n(&app->lanes[lane], __ATOMIC_ACQUIRE) : NULL;
}

static void resume(struct job *job)
{
    task_resume(container_of(job, struct log_row, job)->task);
}

static void on_arrival(struct job *job)
{
    struct log_row *row = container_of(job, struct log_row, job);
    const enum err err = lane_writer_take(find_writer(row->home->app, room_lane(row->room_id)), row);

    if (err == ERR_OK)
        return;
    row->err = err;
    room_log_answer(row);
}

/* Always through the home loop's mailbox: a row may be answered from inside a task, which must not resume another. */
void room_log_answer(struct log_row *row)
{
    row->job.run = resume;
    CHECK(worker_post(row->home, &row->job)); /* a mailbox holds more than a loop has tasks */
}

static enum err hand_over(struct worker *worker, struct log_row *row)
{
    struct lane_writer *writer = find_writer(worker->app, room_lane(row->room_id));

    if (writer == NULL)
        return ERR_UNAVAILABLE;
    if (lane_writer_worker(writer) == worker)
        return lane_writer_take(writer, row);
    row->job.run = on_arrival;
    return worker_post(lane_writer_worker(writer), &row->job) ? ERR_OK : ERR_BUSY;
}

enum err room_log_append(struct worker *worker, struct log_row *row)
{
    const int lane_count = worker->app->lane_count;

    row->home = worker;
    row->task = task_self();
    row->members_max = worker->app->settings->limits.members_per_room;
    if (row->kind != LOG_MESSAGE)
        id_random_bytes(row->nonce, sizeof(row->nonce));
    if (lane_count > 0 && room_lane(row->room_id) >= lane_count) {
        row->outcome = LOG_NO_ROOM;
        return row->err = ERR_OK;
    }
    const enum err err = hand_over(worker, row);
    if (err != ERR_OK)
        return row->err = err;
    task_wait(); /* the row belongs to its lane's loop until then */
    return row->err;
}

void log_row_fini(struct log_row *row)
{
    buf_fini(&row->sender_name);
    buf_fini(&row->replied_texts);
}

/* ---- opening and closing ---- */

/* Opens one lane's writer on its worker's thread. */
struct lane_job {
    struct job job;
    struct worker *worker;
    int lane;
    int64_t incarnation;
};

static void open_lane(struct job *job)
{
    struct lane_job *lane = container_of(job, struct lane_job, job);
    struct lane_writer *writer = lane_writer_open(lane->worker, lane->lane, lane->incarnation);

    __atomic_store_n(&lane->worker->app->lanes[lane->lane], writer, __ATOMIC_RELEASE);
    free(lane);
}

void lanes_open(struct app *app, int64_t incarnation, int count)
{
    int lane = app->lane_count;

    for (; lane < count && lane < LANES_MAX; lane++) {
        struct lane_job *job = xcalloc(1, sizeof(*job));
        *job = (struct lane_job){{open_lane}, &app->workers[lane % app->worker_count], lane, incarnation};
        if (!worker_post(job->worker, &job->job)) {
            free(job);
            break; /* the next news try again */
        }
    }
    app->lane_count = lane;
}

enum err log_start(struct app *app)
{
    app->lanes = xcalloc(LANES_MAX, sizeof(*app->lanes));
    app->watch = watch_open(&app->workers[0], (int64_t)(id_random() >> 1));
    return ERR_OK;
}

bool log_is_ready(struct app *app)
{
    const int lane_count = app->lane_count;

    for (int lane = 0; lane < lane_count; lane++) {
        const struct lane_writer *writer = find_writer(app, lane);
        if (writer == NULL || !lane_writer_is_ready(writer))
            return false;
    }
    return lane_count > 0;
}

/* Closing: each writer on its own loop, and the last one says so to worker 0. */
struct closing {
    struct app *app;
    _Atomic int open;
    void (*done)(void *context);
    void *context;
    struct job all_closed;
};

struct close_job {
    struct job job;
    struct closing *closing;
    struct lane_writer *writer;
};

static void on_all_closed(struct job *job)
{
    struct closing *closing = container_of(job, struct closing, all_closed);

    watch_close(closing->app->watch, closing->done, closing->context);
    free(closing);
}

static void on_writer_closed(void *context)
{
    struct closing *closing = context;

    if (--closing->open == 0)
        CHECK(worker_post(&closing->app->workers[0], &closing->all_closed));
}

static void close_lane(struct job *job)
{
    struct close_job *close = container_of(job, struct close_job, job);

    lane_writer_close(close->writer, on_writer_closed, close->closing);
    free(close);
}

void log_stop(struct app *app, void (*done)(void *context), void *context)
{
    struct closing *closing = xcalloc(1, sizeof(*closing));

    *closing = (struct closing){.app = app, .open = 1, .done = done, .context = context, .all_closed = {on_all_closed}};
    for (int lane = 0; lane < app->lane_count; lane++) {
        struct lane_writer *writer = find_writer(app, lane);
        if (writer == NULL)
            continue;
        struct close_job *job = xcalloc(1, sizeof(*job));
        *job = (struct close_job){{close_lane}, closing, writer};
        closing->open++;
        CHECK(worker_post(lane_writer_worker(writer), &job->job));
    }
    on_writer_closed(closing);
}
