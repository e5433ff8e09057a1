#include "bench/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/jwt.h"
#include "base/log.h"

#define EVENTS_MAX   256
#define READ_BYTES   65536
#define ANSWER_MAX   (1 << 20)
#define STALL_MS     10000
#define TOKEN_LIFE_S 3600

struct http_client {
    int fd;
    struct buf answer; /* what has come of one that did not come at once */
    int64_t begun_ns;
    void (*on_answer)(void *owner, struct text answer, int64_t begun_ns);
    void *owner;
};

static int epoll = -1;

static _Noreturn void give_up(const char *what)
{
    log_error("%s: %s", what, strerror(errno));
    exit(1);
}

void http_add_headers(struct buf *out, int port, const struct sender *sender, const char *audience,
                      const char *token_secret)
{
    struct buf claims = {0}, token = {0};

    buf_printf(&claims, "{\"sub\":\"%lld\",\"sid\":\"%lld\",\"aud\":\"%s\",\"exp\":%lld}",
               (long long)sender->user_id, (long long)sender->session_id, audience,
               (long long)(clock_wall_us() / 1000000 + TOKEN_LIFE_S));
    jwt_sign(&token, buf_text(&claims), text(token_secret));
    buf_printf(out, "Host: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n", port, buf_cstring(&token));
    buf_fini(&claims);
    buf_fini(&token);
}

struct http_client *http_open(int port, void (*on_answer)(void *owner, struct text answer, int64_t begun_ns),
                              void *owner)
{
    const struct sockaddr_in server = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct http_client *client = xcalloc(1, sizeof(*client));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    const int on = 1;

    if (epoll < 0)
        epoll = epoll_create1(EPOLL_CLOEXEC);
    *client = (struct http_client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                                   .on_answer = on_answer,
                                   .owner = owner};
    if (client->fd < 0 ||
        connect(client->fd, (const struct sockaddr *)&server, sizeof(server)) != 0 ||
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        give_up("connect");
    return client;
}

void http_send(struct http_client *client, struct text request, int64_t now_ns)
{
    if (send(client->fd, request.at, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        give_up("send");
    client->begun_ns = now_ns;
}

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

static void on_readable(struct http_client *client)
{
    static char bytes[READ_BYTES];
    const ssize_t got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    struct text answer = text_of(bytes, got > 0 ? (size_t)got : 0);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        give_up("the API closed a connection");
    const bool is_part = client->answer.len > 0;
    if (is_part) {
        buf_add_text(&client->answer, answer);
        answer = buf_text(&client->answer);
    }
    const size_t len = answer_length(answer);
    if (len > 0 && len == answer.len) {
        client->on_answer(client->owner, answer, client->begun_ns);
        buf_reset(&client->answer);
    } else if (!is_part) {
        buf_add_text(&client->answer, answer);
    }
    CHECK(client->answer.len < ANSWER_MAX);
}

void http_turn(void)
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
