/*
 * deliver: how long a message takes from its request to the API until a subscriber has it from the gateway,
 * one at a time: the next is sent when the last one has come, stored and answered.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/http.h"
#include "bench/load.h"
#include "bench/subscribers.h"

#define BOUND_MS   20000 /* for connecting, and for one message */
#define TEXT_BYTES 128

static struct {
    char *senders_file, *token_secret, *audience;
    int64_t port, gateway_port, pid, seconds, warmup_ms;
} config;

static struct load load;
static bool is_answered;

static void on_answer(void *owner, struct text answer, int64_t begun_ns)
{
    is_answered = true;
    if (text_starts(answer, text("HTTP/1.1 201 ")))
        return;
    log_error("refused: %.*s", TEXT_ARGS(answer));
    load.refused++;
}

static void make_request(struct buf *request, const struct sender *sender, uint64_t number)
{
    char body[TEXT_BYTES + 64], filling[TEXT_BYTES + 1];

    memset(filling, 'x', TEXT_BYTES);
    filling[TEXT_BYTES] = '\0';
    const int len = snprintf(body, sizeof(body), "{\"nonce\":\"%016llx\",\"text\":\"%s\"}",
                             (unsigned long long)number, filling);
    buf_reset(request);
    buf_printf(request, "POST /v1/rooms/%lld/messages HTTP/1.1\r\n", (long long)sender->rooms[0]);
    http_add_headers(request, (int)config.port, sender, config.audience, config.token_secret);
    buf_printf(request, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len, body);
}

/* False: it did not come, or not as the next one. */
static bool deliver(struct http_client *client, struct subscribers *subscribers, struct buf *request)
{
    const struct subscribers_counts *counts = subscribers_count(subscribers);
    const uint64_t wanted = counts->delivered + 1;
    const int64_t begun_ns = clock_mono_ns(), end_ms = clock_mono_ms() + BOUND_MS;

    is_answered = false;
    http_send(client, buf_text(request), begun_ns);
    while (counts->delivered < wanted) {
        subscribers_read(subscribers, 100);
        if (counts->repeated + counts->skipped + counts->lost > 0 || clock_mono_ms() > end_ms)
            return false;
    }
    load_acknowledge(&load, begun_ns, clock_mono_ns());
    while (!is_answered)
        http_turn();
    return load.refused == 0;
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "port", .type = OPTION_NUMBER, .value = &config.port, .fallback = "8000", .unit = "port",
         .min = 1, .max = 65535, .help = "The API's, on 127.0.0.1."},
        {.name = "gateway-port", .type = OPTION_NUMBER, .value = &config.gateway_port, .fallback = "8100", .unit = "port",
         .min = 1, .max = 65535, .help = "The gateway's."},
        {.name = "pid", .type = OPTION_NUMBER, .value = &config.pid, .unit = "process",
         .min = 1, .max = INT32_MAX, .help = "The API, whose processor time is measured."},
        {.name = "token-secret", .type = OPTION_SECRET, .value = &config.token_secret, .help = "Key that signs access tokens."},
        {.name = "audience", .type = OPTION_TEXT, .value = &config.audience, .fallback = "parley", .help = "Their audience."},
        {.name = "senders", .type = OPTION_TEXT, .value = &config.senders_file,
         .help = "File of people: user, session, room; the first one sends and follows."},
        {.name = "seconds", .type = OPTION_NUMBER, .value = &config.seconds, .fallback = "3", .unit = "s",
         .min = 1, .max = 600, .help = "Length of the measurement."},
        {.name = "warmup-ms", .type = OPTION_NUMBER, .value = &config.warmup_ms, .fallback = "500", .unit = "ms",
         .min = 1, .max = 60000, .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "deliver",
                                   .summary = "From a request to its delivery, one message at a time.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct senders senders;
    struct buf channel = {0}, request = {0};
    bool all_came = true;

    read_options(argc, argv);
    log_init("deliver", LOG_INFO, LOG_TEXT);
    id_init();
    if (senders_read(&senders, config.senders_file, 1) != ERR_OK)
        return 1;
    const struct sender *sender = &senders.all[0];
    buf_printf(&channel, "room:%lld", (long long)sender->rooms[0]);
    struct subscribers *subscribers = subscribers_create(&(struct subscribers_config){
        .port = (int)config.gateway_port,
        .path = "/connection/websocket",
        .count = 1,
        .channel = buf_text(&channel),
        .token_secret = text(config.token_secret),
        .audience = text(config.audience),
        .user_id = sender->user_id,
        .session_id = sender->session_id,
    });
    struct http_client *client = http_open((int)config.port, on_answer, NULL);
    if (subscribers_connect(subscribers, 1, BOUND_MS) != ERR_OK)
        return 1;

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = (pid_t)config.pid};
    load_start(&load);
    for (uint64_t number = id_random(); all_came && !load.is_over; number++) {
        make_request(&request, sender, number);
        all_came = deliver(client, subscribers, &request);
        load_tick(&load, clock_mono_ns());
    }
    load_print(&load, "parley");
    return all_came ? 0 : 1;
}
