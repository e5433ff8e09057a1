/*
 * parley-gateway: holds the connections of clients and delivers what happens in their rooms.
 *
 * Wiring alone: loop 0 and the broker on this thread, each further loop on one of its own. SIGTERM
 * and SIGINT say goodbye to all clients and end.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "gateway/broker/broker.h"
#include "gateway/loop/handshake.h"
#include "gateway/loop/loop.h"
#include "gateway/settings.h"

#define BODY_MAX        4096 /* nobody has to send one here */
#define EXIT_WATCHDOG_S 30   /* beyond the drain: NNG may hang while it closes */

struct thread {
    pthread_t id;
    uv_loop_t uv;
    uv_sem_t started;
    struct loop *loop;
    h2o_globalconf_t *http;
    int port;
    enum err err;
};

static uv_signal_t signals[2];
static struct broker *broker;
static int64_t drain_ms;

static void on_handle_closed(uv_handle_t *handle)
{
}

static void on_signal(uv_signal_t *handle, int number)
{
    log_info("gateway: signal %d, stopping", number);
    alarm((unsigned)(drain_ms / 1000) + EXIT_WATCHDOG_S);
    broker_stop(broker);
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
        if (!uv_is_closing((uv_handle_t *)&signals[i]))
            uv_close((uv_handle_t *)&signals[i], on_handle_closed);
}

static void watch_signals(uv_loop_t *uv)
{
    static const int numbers[ARRAY_COUNT(signals)] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        CHECK(uv_signal_init(uv, &signals[i]) == 0);
        CHECK(uv_signal_start(&signals[i], on_signal, numbers[i]) == 0);
    }
}

/* ---- loops ---- */

static void *run(void *arg)
{
    struct thread *thread = arg;

    thread->err = loop_listen(thread->loop, thread->http, thread->port);
    uv_sem_post(&thread->started);
    if (thread->err == ERR_OK)
        uv_run(&thread->uv, UV_RUN_DEFAULT);
    return NULL;
}

static enum err start(struct thread *thread, int port)
{
    thread->port = port;
    CHECK(uv_sem_init(&thread->started, 0) == 0);
    CHECK(pthread_create(&thread->id, NULL, run, thread) == 0);
    uv_sem_wait(&thread->started);
    uv_sem_destroy(&thread->started);
    return thread->err;
}

/* Loop 0 listens first, so that any free port it found is everybody's. */
static enum err start_all(struct thread *threads, size_t count, int port)
{
    enum err err = loop_listen(threads[0].loop, threads[0].http, port);

    if (err != ERR_OK)
        return err;
    port = listener_port(threads[0].loop->listener);
    for (size_t i = 1; i < count; i++)
        if ((err = start(&threads[i], port)) != ERR_OK)
            return err;
    log_info("gateway%s%s: listening on %s:%d, %zu thread%s",
             threads[0].loop->settings->gateway.node[0] != '\0' ? " " : "",
             threads[0].loop->settings->gateway.node, threads[0].loop->settings->http.host, port,
             count, count == 1 ? "" : "s");
    return ERR_OK;
}

static void serve(const struct settings *settings)
{
    const size_t count = (size_t)settings->gateway.threads;
    struct loop *loops = xcalloc(count, sizeof(*loops));
    struct thread *threads = xcalloc(count, sizeof(*threads));
    struct port **ports = xcalloc(count, sizeof(struct port *));
    static h2o_globalconf_t http;

    listener_conf_init(&http, BODY_MAX, (int)settings->http.header_timeout_ms,
                       handshake_on_request);
    for (size_t i = 0; i < count; i++) {
        CHECK(uv_loop_init(&threads[i].uv) == 0);
        threads[i].loop = &loops[i];
        threads[i].http = &http;
        loop_open(&loops[i], &threads[i].uv, (unsigned)i, settings);
        ports[i] = &loops[i].port;
    }
    if (broker_open(&broker, &threads[0].uv, settings, ports, (unsigned)count) != ERR_OK)
        exit(EXIT_FAILURE); /* said why */
    for (size_t i = 0; i < count; i++)
        loops[i].broker = broker_inbox(broker);
    handshake_init(&(struct gateway_view){loops, count, broker_metrics(broker),
                                          broker_is_ready(broker), broker_print, broker});
    drain_ms = settings->gateway.drain_ms;
    watch_signals(&threads[0].uv);
    if (start_all(threads, count, (int)settings->http.port) != ERR_OK)
        exit(EXIT_FAILURE);

    uv_run(&threads[0].uv, UV_RUN_DEFAULT);
    for (size_t i = 1; i < count; i++)
        pthread_join(threads[i].id, NULL);

    broker_free(broker);
    for (size_t i = 0; i < count; i++) {
        loop_free(&loops[i]);
        uv_loop_close(&threads[i].uv);
    }
    h2o_config_dispose(&http);
    free(ports);
    free(threads);
    free(loops);
}

int main(int argc, char **argv)
{
    static struct settings settings;

    settings_load(&settings, argc, argv);
    log_init("parley-gateway", (enum log_level)settings.log.level,
             (enum log_format)settings.log.format);
    signal(SIGPIPE, SIG_IGN);
    id_init();
    serve(&settings);
    log_info("gateway: stopped");
    return 0;
}
