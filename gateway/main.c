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
#include "gateway/loop/crowd.h"
#include "gateway/loop/hooks.h"
#include "gateway/loop/loop.h"
#include "gateway/loop/proxying.h"
#include "gateway/node.h"
#include "gateway/settings.h"
#include "gateway/token/verifier.h"
#include "gateway/transport/front.h"

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

#define IDLE_CHECK_MS   10   /* how often it is asked whether webhooks are done */

static uv_signal_t signals[2];
static struct broker *broker;
static struct shared shared;
static uv_timer_t farewell; /* from the last client's end to the last webhook's */
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

/* ---- the last events are told before the end ---- */

static void on_farewell(uv_timer_t *timer)
{
    const bool late = (int64_t)uv_now(timer->loop) >= (int64_t)(intptr_t)timer->data;

    if (!webhooks_idle(shared.webhooks) && !late)
        return;
    uv_close((uv_handle_t *)timer, on_handle_closed);
    webhooks_close(shared.webhooks);
    fetcher_destroy(shared.fetcher); /* brings back what is under way */
    broker_close(broker);
}

static void on_loops_stopped(struct broker *stopped)
{
    webhooks_finish(shared.webhooks);
    farewell.data = (void *)(intptr_t)(uv_now(stopped->loop) + (uint64_t)drain_ms);
    CHECK(uv_timer_init(stopped->loop, &farewell) == 0);
    CHECK(uv_timer_start(&farewell, on_farewell, 0, IDLE_CHECK_MS) == 0);
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

static enum err start_internal(struct loop *loop, h2o_globalconf_t *http)
{
    if (!front_has_internal(loop->settings))
        return ERR_OK;
    if (loop_listen_internal(loop, http) != ERR_OK)
        return ERR_UNAVAILABLE;
    log_info("gateway: listening for the operator on port %d", listener_port(loop->internal));
    return ERR_OK;
}

/* ---- what is likely to be forgotten ---- */

static bool can_anybody_connect(const struct settings *settings)
{
    const struct token_settings *token = &settings->client.token;
    const char *const ways[] = {token->hmac_secret_key, token->rsa_public_key,
                                token->ecdsa_public_key, token->jwks_public_endpoint,
                                settings->client.user_id_http_header};

    for (size_t i = 0; i < ARRAY_COUNT(ways); i++)
        if (ways[i] != NULL && ways[i][0] != '\0')
            return true;
    return settings->client.insecure || settings->client.connect_proxy_enabled ||
           settings->client.allow_anonymous_connect_without_token ||
           settings->client.insecure_skip_token_signature_verify;
}

static void warn_of_gaps(const struct settings *settings)
{
    if (!can_anybody_connect(settings))
        log_warn("gateway: nobody can connect: there is no key for tokens (client.token.*), no "
                 "connect proxy, and anonymous connections are not allowed");
    if (!settings->http_api.disabled && !settings->http_api.insecure &&
        settings->http_api.key == NULL && settings->gateway.broker == BROKER_MEMORY)
        log_warn("gateway: nobody can call the server API: http_api.key is not set");
}

/* ---- tokens ---- */

static struct verifier *make_verifier(const struct token_settings *token,
                                      const struct settings *settings)
{
    const struct verifier_config config = {
        .hmac_secret_key = token->hmac_secret_key,
        .hmac_previous_secret_key = token->hmac_previous_secret_key,
        .hmac_previous_valid_until_s = token->hmac_previous_secret_key_valid_until,
        .rsa_public_key = token->rsa_public_key,
        .ecdsa_public_key = token->ecdsa_public_key,
        .jwks_public_endpoint = token->jwks_public_endpoint,
        .audience = token->audience,
        .audience_regex = token->audience_regex,
        .issuer = token->issuer,
        .issuer_regex = token->issuer_regex,
        .user_id_claim = token->user_id_claim,
        .skip_signature = settings->client.insecure_skip_token_signature_verify,
    };
    char why[VERIFIER_WHY_BYTES];
    struct verifier *verifier = verifier_create(&config, why);

    if (verifier != NULL)
        return verifier;
    log_error("gateway: %s", why);
    exit(EXIT_FAILURE);
}

static void open_shared(const struct settings *settings, uv_loop_t *uv)
{
    shared.settings = settings;
    shared.crowd = crowd_create(settings);
    shared.fetcher = fetcher_create(&(struct fetcher_config){0});
    if ((shared.proxies = proxying_open(settings, shared.fetcher)) == NULL)
        exit(EXIT_FAILURE); /* said why */
    shared.wants_emulated_headers = proxying_wants_emulated(settings);
    if (!hooks_open(&shared.webhooks, uv, settings, shared.fetcher))
        exit(EXIT_FAILURE);
    shared.verifier = make_verifier(&settings->client.token, settings);
    shared.sub_verifier = settings->client.subscription_token_enabled
                              ? make_verifier(&settings->client.subscription_token, settings)
                              : shared.verifier;
}

static void free_shared(void)
{
    crowd_destroy(shared.crowd);
    proxying_close(shared.proxies);
    hooks_free();
    if (shared.sub_verifier != shared.verifier)
        verifier_destroy(shared.sub_verifier);
    verifier_destroy(shared.verifier);
}

/* Batches of the server API, for those who can call it at all. */
static bool takes_large_bodies(const struct settings *settings)
{
    return !settings->http_api.disabled && (settings->http_api.key != NULL ||
                                            settings->http_api.insecure || settings->admin.enabled);
}

static void serve(const struct settings *settings)
{
    const size_t count = (size_t)settings->gateway.threads;
    struct loop *loops = xcalloc(count, sizeof(*loops));
    struct thread *threads = xcalloc(count, sizeof(*threads));
    struct port **ports = xcalloc(count, sizeof(struct port *));
    static h2o_globalconf_t http, internal_http;

    const bool is_shared =
        takes_large_bodies(settings) &&
        (settings->http.internal_port == 0 || settings->http_api.external);

    listener_conf_init(&http, front_body_max(settings, is_shared), (int)settings->http.header_timeout_ms,
                       front_on_request);
    listener_conf_init(&internal_http, front_body_max(settings, true),
                       (int)settings->http.header_timeout_ms, front_on_internal_request);
    for (size_t i = 0; i < count; i++)
        CHECK(uv_loop_init(&threads[i].uv) == 0);
    open_shared(settings, &threads[0].uv);
    for (size_t i = 0; i < count; i++) {
        threads[i].loop = &loops[i];
        threads[i].http = &http;
        loop_open(&loops[i], &threads[i].uv, (unsigned)i, &shared);
        ports[i] = &loops[i].port;
    }
    if (broker_open(&broker, &threads[0].uv, settings, ports, (unsigned)count) != ERR_OK)
        exit(EXIT_FAILURE); /* said why */
    for (size_t i = 0; i < count; i++)
        loops[i].broker = broker->inbox;
    broker->webhooks = shared.webhooks;
    broker->on_stopped = on_loops_stopped;
    front_init(&(struct gateway_view){settings, loops, count, broker});
    drain_ms = settings->gateway.drain_ms;
    warn_of_gaps(settings);
    watch_signals(&threads[0].uv);
    if (start_all(threads, count, (int)settings->http.port) != ERR_OK ||
        start_internal(&loops[0], &internal_http) != ERR_OK)
        exit(EXIT_FAILURE);

    uv_run(&threads[0].uv, UV_RUN_DEFAULT);
    for (size_t i = 1; i < count; i++)
        pthread_join(threads[i].id, NULL);

    broker_free(broker);
    for (size_t i = 0; i < count; i++) {
        loop_free(&loops[i]);
        uv_loop_close(&threads[i].uv);
    }
    free_shared();
    h2o_config_dispose(&http);
    h2o_config_dispose(&internal_http);
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
    node_init();
    frame_init((size_t)settings.websocket.compression_min_size);
    serve(&settings);
    log_info("gateway: stopped");
    return 0;
}
