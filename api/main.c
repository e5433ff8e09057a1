/*
 * parley-api: reads its options, builds its parts, runs its loops until it is told to stop, and
 * takes the parts down in reverse.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ended.h"
#include "api/request/address.h"
#include "api/request/limits.h"
#include "api/request/pages.h"
#include "api/questions/questions.h"
#include "api/request/refusal.h"
#include "api/log/room_log.h"
#include "api/request/server.h"
#include "api/settings.h"
#include "api/shutdown.h"
#include "base/id.h"
#include "base/log.h"
#include "bus/responder.h"

#define SEARCH_SETUP_BYTES 128
#define HEADER_TIMEOUT_MS  10000 /* for a request's head and body; also idle keep-alive */
#define POOL_THREADS_SPARE 2     /* of libuv's pool, beside those that hash passwords */

/* Before the first loop: libuv reads it once. */
static void size_thread_pool(const struct settings *settings)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld",
             (long long)settings->hash.parallel + POOL_THREADS_SPARE);
    setenv("UV_THREADPOOL_SIZE", digits, 1);
}

static enum err open_publisher(struct app *app)
{
    const struct settings *settings = app->settings;
    const struct publisher_config config = {.url = settings->bus.listen,
                                            .secret = text(settings->bus.key),
                                            .queue_limit = (int)settings->bus.queue_max,
                                            .heartbeat_ms = (int)settings->bus.heartbeat_ms,
                                            .keep_ms = (int)settings->bus.keep_ms,
                                            .keep_bytes = (size_t)settings->bus.keep_bytes};
    return publisher_open(&app->publisher, &config);
}

/* Questions are heard at the port after that of events: "tcp://127.0.0.1:7800" ->
 * "tcp://127.0.0.1:7801". */
static enum err open_responder(struct app *app, struct responder **responder)
{
    const char *events = app->settings->bus.listen;
    const char *colon = strrchr(events, ':');
    const long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
    char url[256];

    if (port <= 0 || port >= 65535) {
        log_error("bus.listen %s: must end in a port below 65535", events);
        return ERR_INVALID;
    }
    snprintf(url, sizeof(url), "%.*s:%ld", (int)(colon - events), events, port + 1);
    const struct responder_config config = {
        .url = url,
        .secret = text(app->settings->bus.key),
        .other_secret = text(app->settings->bus.other_key),
        .publisher = app->publisher,
        .open_limit = (int)app->settings->bus.open_max,
    };
    return responder_open(responder, &app->workers[0].loop, &config, questions_answer, app);
}

/* All workers on one port, also when it is any free one. */
static enum err listen_all(struct app *app, h2o_globalconf_t *http)
{
    int port = (int)app->settings->http.port;
    enum err err;

    listener_conf_init(http, 2 * (size_t)app->settings->http.body_max_bytes, HEADER_TIMEOUT_MS,
                       server_on_request);
    refusal_init(http);
    for (int i = 0; i < app->worker_count; i++) {
        if ((err = worker_listen(&app->workers[i], http, port)) != ERR_OK)
            return err;
        port = listener_port(app->workers[0].listener);
    }
    log_info("listening on http://%s:%d", app->settings->http.host, port);
    return ERR_OK;
}

static void *run_worker(void *worker)
{
    worker_run(worker);
    return NULL;
}

static void run_all(struct app *app)
{
    pthread_t threads[app->worker_count];

    for (int i = 1; i < app->worker_count; i++)
        CHECK(pthread_create(&threads[i], NULL, run_worker, &app->workers[i]) == 0);
    worker_run(&app->workers[0]);
    for (int i = 1; i < app->worker_count; i++)
        pthread_join(threads[i], NULL);
}

/* Whether there is such a language PostgreSQL says, as soon as it is there: none of those connections is made then, and the log says why. */
static void set_up_search(struct app *app, const struct settings *settings)
{
    static char language[SEARCH_SETUP_BYTES], timeout[SEARCH_SETUP_BYTES];

    snprintf(language, sizeof(language), "SET default_text_search_config = '%s'", settings->search.language);
    snprintf(timeout, sizeof(timeout), "SET statement_timeout = %lld", (long long)settings->search.timeout_ms);
    const char *const setup[] = {language, timeout, "SET enable_seqscan = off", "SET jit = off",
                                 "SET client_min_messages = warning", NULL};
    memcpy(app->search_setup, setup, sizeof(setup));
}

static void make_app(struct app *app, const struct settings *settings)
{
    app->settings = settings;
    app->hasher = hasher_create((int)settings->hash.parallel, (int)settings->hash.queue,
                                (int)settings->hash.ops, (int)settings->hash.memory_kib);
    app->ended = ended_create();
    set_up_search(app, settings);
    app->worker_count = (int)settings->api.threads;
    app->workers = xcalloc((size_t)app->worker_count, sizeof(*app->workers));
    for (int i = 0; i < app->worker_count; i++)
        worker_open(&app->workers[i], app, i);
}

static void free_app(struct app *app)
{
    publisher_close(app->publisher);
    hasher_destroy(app->hasher);
    ended_destroy(app->ended);
    limits_destroy(app->limits);
    pages_destroy(app->pages);
    free(app->lanes);
    free(app->workers);
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct app app;
    static h2o_globalconf_t http;
    struct responder *responder;

    settings_load(&settings, argc, argv);
    log_init("parley-api", (enum log_level)settings.log.level,
             (enum log_format)settings.log.format);
    signal(SIGPIPE, SIG_IGN);
    size_thread_pool(&settings);
    id_init();

    make_app(&app, &settings);
    if (!address_check_option("http.trusted_proxies", settings.http.trusted_proxies, "") ||
        (app.limits = limits_create(&settings)) == NULL || pages_load(&app.pages, settings.http.web_dir) != ERR_OK || open_publisher(&app) != ERR_OK ||
        log_start(&app) != ERR_OK || open_responder(&app, &responder) != ERR_OK ||
        listen_all(&app, &http) != ERR_OK)
        return 1; /* said why; nothing has begun that would need an end */

    struct shutdown *shutdown = shutdown_open(&app, responder);
    run_all(&app);
    shutdown_destroy(shutdown);
    free_app(&app);
    h2o_config_dispose(&http);
    log_info("stopped");
    return 0;
}
