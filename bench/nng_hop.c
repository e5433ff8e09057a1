/*
 * nng_hop: how long a message of the bus's size takes from one pub0 socket to a sub0 socket of another thread,
 * by bare NNG: half of the time there and back.
 */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/load.h"

#define BOUND_MS 10000 /* for one message */

static struct {
    int64_t port, seconds, warmup_ms, bytes;
} config;

struct end {
    nng_socket pub, sub;
};

static void must(int rv, const char *what)
{
    if (rv == 0)
        return;
    log_error("%s: %s", what, nng_strerror(rv));
    exit(1);
}

static void open_end(struct end *end, int64_t own, int64_t other)
{
    char url[64];

    must(nng_pub0_open(&end->pub), "pub");
    must(nng_sub0_open(&end->sub), "sub");
    must(nng_socket_set(end->sub, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribing");
    must(nng_socket_set_ms(end->sub, NNG_OPT_RECVTIMEO, BOUND_MS), "bound");
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%lld", (long long)own);
    must(nng_listen(end->pub, url, NULL, 0), url);
    snprintf(url, sizeof(url), "tcp://127.0.0.1:%lld", (long long)other);
    must(nng_dial(end->sub, url, NULL, NNG_FLAG_NONBLOCK), url);
}

static void *echo(void *arg)
{
    struct end *end = arg;
    nng_msg *message;

    while (nng_recvmsg(end->sub, &message, 0) == 0)
        must(nng_sendmsg(end->pub, message, 0), "echo");
    return NULL;
}

/* Until the other end hears us and we hear it. */
static void greet(struct end *end, const void *bytes)
{
    const int64_t end_ms = clock_mono_ms() + BOUND_MS;
    nng_msg *message;

    must(nng_socket_set_ms(end->sub, NNG_OPT_RECVTIMEO, 100), "bound");
    do {
        if (clock_mono_ms() > end_ms)
            must(NNG_ETIMEDOUT, "greeting");
        must(nng_send(end->pub, (void *)bytes, (size_t)config.bytes, 0), "greeting");
    } while (nng_recvmsg(end->sub, &message, 0) != 0);
    do
        nng_msg_free(message);
    while (nng_recvmsg(end->sub, &message, 0) == 0); /* what else was on its way */
    must(nng_socket_set_ms(end->sub, NNG_OPT_RECVTIMEO, BOUND_MS), "bound");
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "port", .type = OPTION_NUMBER, .value = &config.port, .fallback = "9120", .unit = "port",
         .min = 1, .max = 65534, .help = "On 127.0.0.1, and the next one."},
        {.name = "bytes", .type = OPTION_NUMBER, .value = &config.bytes, .fallback = "700", .unit = "bytes",
         .min = 1, .max = 65536, .help = "Size of a message; a sealed batch with one event of 128 bytes of text and its line has about 700."},
        {.name = "seconds", .type = OPTION_NUMBER, .value = &config.seconds, .fallback = "3", .unit = "s",
         .min = 1, .max = 600, .help = "Length of the measurement."},
        {.name = "warmup-ms", .type = OPTION_NUMBER, .value = &config.warmup_ms, .fallback = "500", .unit = "ms",
         .min = 1, .max = 60000, .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "nng_hop",
                                   .summary = "From one socket of NNG to another.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct end here, there;
    pthread_t thread;
    nng_msg *message;

    read_options(argc, argv);
    log_init("nng_hop", LOG_INFO, LOG_TEXT);
    char *bytes = xcalloc(1, (size_t)config.bytes);
    open_end(&here, config.port, config.port + 1);
    open_end(&there, config.port + 1, config.port);
    CHECK(pthread_create(&thread, NULL, echo, &there) == 0);
    greet(&here, bytes);

    struct load load = {.warmup_ns = config.warmup_ms * 1000000,
                        .measure_ns = config.seconds * 1000000000,
                        .pid = getpid()};
    load_start(&load);
    while (!load.is_over) {
        const int64_t begun_ns = clock_mono_ns();
        must(nng_send(here.pub, bytes, (size_t)config.bytes, 0), "sending");
        must(nng_recvmsg(here.sub, &message, 0), "receiving");
        nng_msg_free(message);
        const int64_t now_ns = clock_mono_ns();
        load_acknowledge(&load, now_ns - (now_ns - begun_ns) / 2, now_ns);
    }
    load_print(&load, "nng");
    free(bytes);
    exit(0); /* the echo ends with it */
}
