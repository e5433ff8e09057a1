#include "api/shutdown.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/log/room_log.h"
#include "api/questions/statuses.h"
#include "api/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/responder.h"

#define LOOK_MS    10 /* how often a worker looks whether its requests have finished */
#define WATCHDOG_S 10 /* after drain_ms; closing NNG's sockets can hang for ever (nng 1.5.2) */

struct leaving { /* one worker's way out */
    struct shutdown *shutdown;
    struct worker *worker;
    struct job drain, drained, close;
    uv_timer_t look;
    int64_t until_ms;
    size_t cut_off;
};

struct shutdown {
    struct app *app;
    struct responder *responder;
    uv_signal_t signals[2];
    bool begun;
    int left; /* workers that are not drained yet */
    struct leaving workers[];
};

static void drain(struct job *job);
static void on_look(uv_timer_t *timer);
static void on_drained(struct job *job);
static void on_log_stopped(void *context);
static void close_worker(struct job *job);

static void on_signal(uv_signal_t *handle, int number)
{
    struct shutdown *shutdown = handle->data;

    if (shutdown->begun)
        _exit(1);
    shutdown->begun = true;
    log_info("stopping: requests under way may finish");
    alarm((unsigned)(shutdown->app->settings->api.drain_ms / 1000 + WATCHDOG_S));
    for (int i = 0; i < shutdown->app->worker_count; i++)
        CHECK(worker_post(&shutdown->app->workers[i], &shutdown->workers[i].drain));
}

static void drain(struct job *job)
{
    struct leaving *leaving = container_of(job, struct leaving, drain);

    listener_drain(leaving->worker->listener);
    statuses_stop(leaving->worker->statuses);
    leaving->until_ms = clock_mono_ms() + leaving->worker->app->settings->api.drain_ms;
    uv_timer_init(&leaving->worker->loop, &leaving->look);
    leaving->look.data = leaving;
    uv_timer_start(&leaving->look, on_look, 0, LOOK_MS);
}

static void on_look(uv_timer_t *timer)
{
    struct leaving *leaving = timer->data;
    const struct worker *worker = leaving->worker;
    const bool is_idle =
        task_pool_alive(worker->tasks) == 0 && listener_connections(worker->listener) == 0;

    if (!is_idle && clock_mono_ms() < leaving->until_ms)
        return;
    leaving->cut_off = task_pool_alive(worker->tasks);
    uv_close((uv_handle_t *)timer, NULL);
    CHECK(worker_post(&worker->app->workers[0], &leaving->drained));
}

static void on_drained(struct job *job)
{
    struct shutdown *shutdown = container_of(job, struct leaving, drained)->shutdown;

    if (--shutdown->left > 0)
        return;
    responder_close(shutdown->responder);
    log_stop(shutdown->app, on_log_stopped, shutdown);
}

static void on_log_stopped(void *context)
{
    struct shutdown *shutdown = context;
    size_t cut_off = 0;

    for (int i = 0; i < shutdown->app->worker_count; i++)
        cut_off += shutdown->workers[i].cut_off;
    if (cut_off > 0) {
        log_warn("stopped: %zu requests were cut off", cut_off);
        _exit(0); /* their tasks still hold on to all that would be closed now */
    }
    for (size_t i = 0; i < ARRAY_COUNT(shutdown->signals); i++)
        uv_close((uv_handle_t *)&shutdown->signals[i], NULL);
    for (int i = shutdown->app->worker_count; i-- > 0;)
        CHECK(worker_post(&shutdown->app->workers[i], &shutdown->workers[i].close));
}

static void close_worker(struct job *job)
{
    worker_close(container_of(job, struct leaving, close)->worker);
}

/* Only what is allowed in a signal handler. */
static void on_watchdog(int number)
{
    _exit(1);
}

struct shutdown *shutdown_open(struct app *app, struct responder *responder)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct shutdown *shutdown =
        xcalloc(1, sizeof(*shutdown) + (size_t)app->worker_count * sizeof(shutdown->workers[0]));

    shutdown->app = app;
    shutdown->responder = responder;
    shutdown->left = app->worker_count;
    for (int i = 0; i < app->worker_count; i++)
        shutdown->workers[i] = (struct leaving){.shutdown = shutdown,
                                                .worker = &app->workers[i],
                                                .drain.run = drain,
                                                .drained.run = on_drained,
                                                .close.run = close_worker};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        uv_signal_init(&app->workers[0].loop, &shutdown->signals[i]);
        shutdown->signals[i].data = shutdown;
        uv_signal_start(&shutdown->signals[i], on_signal, numbers[i]);
    }
    signal(SIGALRM, on_watchdog);
    return shutdown;
}

void shutdown_destroy(struct shutdown *shutdown)
{
    free(shutdown);
}
