/*
 * send: how fast the API stores and acknowledges messages: every sender has one keep-alive
 * connection and one message under way, and begins the next when that one is answered. Cheap on
 * purpose, since it shares its processor with PostgreSQL: requests are ready but for room and
 * nonce, answers are looked at for status and length alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"
#include "base/log.h"
#include "base/options.h"
#include "bench/load.h"
#include "bench/senders.h"

#define EVENTS_MAX   256
#define ANSWER_MAX   65536
#define STALL_MS     10000
#define TOKEN_LIFE_S 3600
#define NONCE_DIGITS 16

static struct {
    char *senders_file, *token_secret, *audience;
    int64_t port, pid, seconds, warmup_ms, text_bytes, senders_max;
} config;

struct client {
    struct sender *sender;
    int fd;
    struct buf headers; /* what stands behind the path */
    struct buf body;
    size_t nonce_at; /* in `body` */
    struct buf answer;
    int64_t begun_ns;
};

static int epoll;
static struct client *clients;
static struct load load;
static size_t under_way;
static uint64_t run_id; /* nonces must be new in every run */

static _Noreturn void give_up(const char *what)
{
    log_error("%s: %s", what, strerror(errno));
    exit(1);
}

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
    struct buf claims = {0}, token = {0};

    buf_printf(&claims, "{\"sub\":\"%lld\",\"sid\":\"%lld\",\"aud\":\"%s\",\"exp\":%lld}",
               (long long)client->sender->user_id, (long long)client->sender->session_id,
               config.audience, (long long)(clock_wall_us() / 1000000 + TOKEN_LIFE_S));
    jwt_sign(&token, buf_text(&claims), text(config.token_secret));
    buf_printf(&client->headers,
               "/messages HTTP/1.1\r\nHost: 127.0.0.1:%lld\r\nAuthorization: Bearer %s\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               (long long)config.port, buf_cstring(&token), client->body.len);
    buf_fini(&claims);
    buf_fini(&token);
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
    if (send(client->fd, request.at, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        give_up("send");
    client->begun_ns = now_ns;
    under_way++;
}

/* ---- answers ---- */

/* The answer's whole length; 0 as long as it is not known. */
static size_t answer_length(struct text answer)
{
    static const char name[] = "content-length:";
    const char *end = memmem(answer.at, answer.len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    for (const char *line = answer.at; line < end;
         line = (const char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1)
        if (strncasecmp(line, name, strlen(name)) == 0)
            return (size_t)(end + 4 - answer.at) + strtoul(line + strlen(name), NULL, 10);
    log_error("an answer without content-length: %.*s", TEXT_ARGS(answer));
    exit(1);
}

static void on_answer(struct client *client, struct text answer)
{
    const int64_t now_ns = clock_mono_ns();

    under_way--;
    if (text_starts(answer, text("HTTP/1.1 201 ")))
        load_acknowledge(&load, client->begun_ns, now_ns);
    else if (load.refused++ == 0)
        log_error("the first refusal: %.*s", TEXT_ARGS(answer));
    load_tick(&load, now_ns);
    if (!load.is_over)
        begin_message(client, now_ns);
}

static void on_readable(struct client *client)
{
    static char bytes[ANSWER_MAX];
    const ssize_t got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    struct text answer = text_of(bytes, got > 0 ? (size_t)got : 0);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        give_up("the API closed a connection");
    if (client->answer.len > 0) {
        buf_add_text(&client->answer, answer);
        answer = buf_text(&client->answer);
    }
    const size_t len = answer_length(answer);
    if (len > 0 && len == answer.len) {
        on_answer(client, answer);
        buf_reset(&client->answer);
    } else if (client->answer.len == 0) {
        buf_add_text(&client->answer, answer);
    }
    CHECK(client->answer.len < ANSWER_MAX);
}

/* ---- life ---- */

static void open_client(struct client *client, struct sender *sender)
{
    const struct sockaddr_in server = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)config.port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    const int on = 1;

    client->sender = sender;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 ||
        connect(client->fd, (const struct sockaddr *)&server, sizeof(server)) != 0 ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        give_up("connect");
    make_body(client);
    make_headers(client);
}

static void turn(void)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(epoll, events, EVENTS_MAX, STALL_MS);

    if (count == 0) {
        log_error("no answer for %d ms", STALL_MS);
        exit(1);
    }
    for (int i = 0; i < count; i++)
        on_readable(events[i].data.ptr);
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
    epoll = epoll_create1(EPOLL_CLOEXEC);
    clients = xcalloc(senders.count, sizeof(*clients));
    for (size_t i = 0; i < senders.count; i++)
        open_client(&clients[i], &senders.all[i]);

    load = (struct load){.warmup_ns = config.warmup_ms * 1000000,
                         .measure_ns = config.seconds * 1000000000,
                         .pid = (pid_t)config.pid};
    load_start(&load);
    for (size_t i = 0; i < senders.count; i++)
        begin_message(&clients[i], clock_mono_ns());
    while (under_way > 0)
        turn();
    load_print(&load, "api");
    return load.refused > 0;
}
