/*
 * get: how fast the API answers one sort of question: everybody has one keep-alive connection and one
 * request under way, and asks again when that one is answered.
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

static struct {
    char *senders_file, *token_secret, *audience, *what;
    int64_t port, pid, seconds, warmup_ms, senders_max, last_seq;
} config;

struct client {
    struct sender *sender;
    struct http_client *http;
    struct buf headers; /* what stands behind the path */
};

static struct load load;
static size_t under_way;
static uint64_t body_bytes; /* of all answers */

/* The chat list's first page, or some page of a room's history. */
static void add_path(struct buf *out, struct sender *sender)
{
    if (strcmp(config.what, "chats") == 0) {
        buf_add_text(out, text("/v1/rooms?limit=100"));
        return;
    }
    buf_printf(out, "/v1/rooms/%lld/messages?limit=50&before=%lld", (long long)sender_pick_room(sender),
               (long long)(sender_random(sender) % (uint64_t)config.last_seq));
}

static void ask(struct client *client, int64_t now_ns)
{
    static struct buf request;

    buf_reset(&request);
    buf_add_text(&request, text("GET "));
    add_path(&request, client->sender);
    buf_add_text(&request, buf_text(&client->headers));
    http_send(client->http, buf_text(&request), now_ns);
    under_way++;
}

static void on_answer(void *owner, struct text answer, int64_t begun_ns)
{
    const int64_t now_ns = clock_mono_ns();

    under_way--;
    body_bytes += answer.len;
    if (text_starts(answer, text("HTTP/1.1 200 ")))
        load_acknowledge(&load, begun_ns, now_ns);
    else if (load.refused++ == 0)
        log_error("the first refusal: %.*s", TEXT_ARGS(answer));
    load_tick(&load, now_ns);
    if (!load.is_over)
        ask(owner, now_ns);
}

/* clang-format off: a table reads best with a row a line */
static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "what", .type = OPTION_TEXT, .value = &config.what, .fallback = "chats", .help = "chats or history."},
        {.name = "last-seq", .type = OPTION_NUMBER, .value = &config.last_seq, .fallback = "1000000", .unit = "events",
         .min = 1, .max = INT32_MAX, .help = "How long the room's log is, for history."},
        {.name = "port", .type = OPTION_NUMBER, .value = &config.port, .fallback = "8000", .unit = "port",
         .min = 1, .max = 65535, .help = "The API's, on 127.0.0.1."},
        {.name = "pid", .type = OPTION_NUMBER, .value = &config.pid, .unit = "process",
         .min = 1, .max = INT32_MAX, .help = "The API, whose processor time is measured."},
        {.name = "token-secret", .type = OPTION_SECRET, .value = &config.token_secret, .help = "Key that signs access tokens."},
        {.name = "audience", .type = OPTION_TEXT, .value = &config.audience, .fallback = "parley", .help = "Their audience."},
        {.name = "senders", .type = OPTION_TEXT, .value = &config.senders_file,
         .help = "File of people: user, session, rooms; a line each."},
        {.name = "senders-max", .type = OPTION_NUMBER, .value = &config.senders_max, .fallback = "64", .unit = "people",
         .min = 1, .max = 10000, .help = "More lines are not read; a connection each."},
        {.name = "seconds", .type = OPTION_NUMBER, .value = &config.seconds, .fallback = "3", .unit = "s",
         .min = 1, .max = 600, .help = "Length of the measurement."},
        {.name = "warmup-ms", .type = OPTION_NUMBER, .value = &config.warmup_ms, .fallback = "1000", .unit = "ms",
         .min = 1, .max = 60000, .help = "Unmeasured start."},
    };
    options_load(&(struct options){.program = "get",
                                   .summary = "Questions to the API over HTTP.",
                                   .table = table,
                                   .count = ARRAY_COUNT(table)},
                 argc, argv);
}
/* clang-format on */

int main(int argc, char **argv)
{
    struct senders senders;

    read_options(argc, argv);
    log_init("get", LOG_INFO, LOG_TEXT);
    id_init();
    if (senders_read(&senders, config.senders_file, (size_t)config.senders_max) != ERR_OK)
        return 1;
    struct client *clients = xcalloc(senders.count, sizeof(*clients));
    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = (pid_t)config.pid};
    for (size_t i = 0; i < senders.count; i++) {
        clients[i] = (struct client){.sender = &senders.all[i],
                                     .http = http_open((int)config.port, on_answer, &clients[i])};
        buf_add_text(&clients[i].headers, text(" HTTP/1.1\r\n"));
        http_add_headers(&clients[i].headers, (int)config.port, clients[i].sender, config.audience,
                         config.token_secret);
        buf_add_text(&clients[i].headers, text("\r\n"));
    }
    load_start(&load);
    for (size_t i = 0; i < senders.count; i++)
        ask(&clients[i], clock_mono_ns());
    while (under_way > 0)
        http_turn();
    load_print(&load, "api");
    return load.refused > 0;
}
