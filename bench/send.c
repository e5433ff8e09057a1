/*
 * send: how fast the API stores and acknowledges messages: every sender has one keep-alive
 * connection and one message under way, and begins the next when that one is answered. Cheap on
 * purpose, since it shares its processor with PostgreSQL: requests are ready but for room and
 * nonce, answers are looked at for status and length alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/http.h"
#include "bench/load.h"
#include "bench/senders.h"

#define NONCE_DIGITS 16

static struct {
    char *senders_file, *token_secret, *audience;
    int64_t port, pid, seconds, warmup_ms, text_bytes, senders_max;
} config;

struct client {
    struct sender *sender;
    struct http_client *http;
    struct buf headers; /* what stands behind the path */
    struct buf body;
    size_t nonce_at; /* in `body` */
};

static struct load load;
static size_t under_way;
static uint64_t run_id; /* nonces must be new in every run */

/* ---- requests ---- */

static void make_body(struct client *client)
{
    struct buf *body = &client->body;

    buf_add_text(body, text("{\"nonce\":\""));
    client->nonce_at = body->len;
    memset(buf_reserve(body, NONCE_DIGITS), '0', NONCE_DIGITS);
    body->len += NONCE_DIGITS;
    buf_add_text(body, text("\",\"text\":\""));
    memset(buf_reserve(body, (size_t)config.text_bytes), 'x', (size_t)config.text_bytes);
    body->len += (size_t)config.text_bytes;
    buf_add_text(body, text("\"}"));
}

static void make_headers(struct client *client)
{
    buf_add_text(&client->headers, text("/messages HTTP/1.1\r\n"));
    http_add_headers(&client->headers, (int)config.port, client->sender, config.audience,
                     config.token_secret);
    buf_printf(&client->headers, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               client->body.len);
}

static void begin_message(struct client *client, int64_t now_ns)
{
    static struct buf request;
    char nonce[NONCE_DIGITS + 1];

    snprintf(nonce, sizeof(nonce), "%08x%08x", (unsigned)run_id, (unsigned)client->sender->sent++);
    memcpy(client->body.at + client->nonce_at, nonce, NONCE_DIGITS);
    buf_reset(&request);
    buf_add_text(&request, text("POST /v1/rooms/"));
    buf_add_i64(&request, sender_pick_room(client->sender));
    buf_add_text(&request, buf_text(&client->headers));
    buf_add_text(&request, buf_text(&client->body));
    http_send(client->http, buf_text(&request), now_ns);
    under_way++;
}

/* ---- answers ---- */

static void on_answer(void *owner, struct text answer, int64_t begun_ns)
{
    struct client *client = owner;
    const int64_t now_ns = clock_mono_ns();

    under_way--;
    if (text_starts(answer, text("HTTP/1.1 201 ")))
        load_acknowledge(&load, begun_ns, now_ns);
    else if (load.refused++ == 0)
        log_error("the first refusal: %.*s", TEXT_ARGS(answer));
    load_tick(&load, now_ns);
    if (!load.is_over)
        begin_message(client, now_ns);
}

/* ---- life ---- */

static void open_client(struct client *client, struct sender *sender)
{
    client->sender = sender;
    client->http = http_open((int)config.port, on_answer, client);
    make_body(client);
    make_headers(client);
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "port",
         .type = OPTION_NUMBER,
         .value = &config.port,
         .fallback = "8000",
         .unit = "port",
         .min = 1,
         .max = 65535,
         .help = "The API's, on 127.0.0.1."},
        {.name = "pid",
         .type = OPTION_NUMBER,
         .value = &config.pid,
         .unit = "process",
         .min = 1,
         .max = INT32_MAX,
         .help = "The API, whose processor time is measured."},
        {.name = "token-secret",
         .type = OPTION_SECRET,
         .value = &config.token_secret,
         .help = "Key that signs access tokens."},
        {.name = "audience",
         .type = OPTION_TEXT,
         .value = &config.audience,
         .fallback = "parley",
         .help = "Their audience."},
        {.name = "senders",
         .type = OPTION_TEXT,
         .value = &config.senders_file,
         .help = "File of senders: user, session, rooms; a line each."},
        {.name = "senders-max",
         .type = OPTION_NUMBER,
         .value = &config.senders_max,
         .fallback = "256",
         .unit = "senders",
         .min = 1,
         .max = 10000,
         .help = "More lines are not read; a connection each."},
        {.name = "text-bytes",
         .type = OPTION_NUMBER,
         .value = &config.text_bytes,
         .fallback = "128",
         .unit = "bytes",
         .min = 1,
         .max = 16384,
         .help = "Length of a message."},
        {.name = "seconds",
         .type = OPTION_NUMBER,
         .value = &config.seconds,
         .fallback = "3",
         .unit = "s",
         .min = 1,
         .max = 600,
         .help = "Length of the measurement."},
        {.name = "warmup-ms",
         .type = OPTION_NUMBER,
         .value = &config.warmup_ms,
         .fallback = "500",
         .unit = "ms",
         .min = 1,
         .max = 60000,
         .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "send",
                                   .summary = "Messages through the API over HTTP.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct senders senders;

    read_options(argc, argv);
    log_init("send", LOG_INFO, LOG_TEXT);
    id_init();
    run_id = id_random() & UINT32_MAX;
    if (senders_read(&senders, config.senders_file, (size_t)config.senders_max) != ERR_OK)
        return 1;
    struct client *clients = xcalloc(senders.count, sizeof(*clients));
    for (size_t i = 0; i < senders.count; i++)
        open_client(&clients[i], &senders.all[i]);

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = (pid_t)config.pid};
    load_start(&load);
    for (size_t i = 0; i < senders.count; i++)
        begin_message(&clients[i], clock_mono_ns());
    while (under_way > 0)
        http_turn();
    load_print(&load, "api");
    return load.refused > 0;
}
