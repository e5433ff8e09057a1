/*
 * ceiling: what a machine can push at all: a bare epoll server that finishes WebSocket handshakes
 * and writes the bytes it is handed to every subscriber. The yardstick for the gateway's fan-out.
 *
 * Two ports. On `port` subscribers connect: one request, one 101, and whatever they say later is
 * ignored. On `port` + 1 the load generator hands over frames: 4 bytes of length in network order,
 * then a whole WebSocket frame.
 *
 * All subscribers follow one stream of bytes; each has a position in it. Plain, every frame is a
 * write of its own to each; with
 * --joined, all frames that one read of the generator's connection brought leave together. Bytes
 * stay in the stream only for those whose socket is full; when it is full as well, they are closed.
 *
 * With --ping-interval-ms every subscriber gets the ping of our protocol once in so long, in turn;
 * pongs are ignored like all they say. That is a mode for connections that idle: nothing else may
 * be written to them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/text.h"
#include "gateway/protocol/websocket.h"

#define REQUEST_MAX 4096
#define STREAM_MAX  (16u << 20)
#define INPUT_MAX   (1u << 20)
#define FRAME_MAX   (64u << 10)
#define EVENTS_MAX  256

#define PING_TICK_MS 50 /* as coarse as the gateway's wheel */

enum role { ROLE_LISTENER, ROLE_FEED_LISTENER, ROLE_FEED, ROLE_GUEST, ROLE_SUBSCRIBER };

struct peer {
    int fd; /* -1: gone */
    enum role role;
    struct peer *next_gone;
    size_t place;    /* subscriber: index in `subscribers` */
    uint64_t sent;   /* subscriber: its position in the stream */
    bool is_blocked; /* subscriber: its socket was full */
    size_t got;      /* guest: bytes of the request so far */
    char *request;   /* guest */
};

static struct {
    int64_t port, subscribers_max, ping_interval_ms;
    bool joined;
} config;

static int epoll;
static struct peer **subscribers;
static size_t subscriber_count, blocked_count;
static struct peer *gone; /* freed after the turn: events for them may follow in it */

/* bytes[0] is the byte at position `start` of the stream */
static struct {
    char bytes[STREAM_MAX];
    uint64_t start;
    size_t len;
} stream;

static struct {
    char bytes[INPUT_MAX];
    size_t len;
} input;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct peer *add_peer(int fd, enum role role)
{
    struct peer *peer = xcalloc(1, sizeof(*peer));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

    peer->fd = fd;
    peer->role = role;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
    return peer;
}

static void watch_for(struct peer *peer, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};

    if (epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event) != 0)
        die("epoll_ctl");
}

static void drop(struct peer *peer)
{
    if (peer->role == ROLE_SUBSCRIBER) {
        blocked_count -= peer->is_blocked;
        subscribers[peer->place] = subscribers[--subscriber_count];
        subscribers[peer->place]->place = peer->place;
    }
    close(peer->fd);
    peer->fd = -1;
    peer->next_gone = gone;
    gone = peer;
}

static void free_the_gone(void)
{
    for (struct peer *peer; (peer = gone) != NULL;) {
        gone = peer->next_gone;
        free(peer->request);
        free(peer);
    }
}

/* ---- writing ---- */

static void write_what_is_due(struct peer *peer)
{
    const size_t at = (size_t)(peer->sent - stream.start);
    const ssize_t sent =
        send(peer->fd, stream.bytes + at, stream.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent > 0)
        peer->sent += (uint64_t)sent;
    const bool is_blocked = peer->sent < stream.start + stream.len;
    if (is_blocked == peer->is_blocked)
        return;
    peer->is_blocked = is_blocked;
    blocked_count += is_blocked ? 1 : -1u;
    watch_for(peer, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void forget_what_all_have(void)
{
    if (blocked_count > 0)
        return;
    stream.start += stream.len;
    stream.len = 0;
}

static void write_to_all(void)
{
    for (size_t i = 0; i < subscriber_count; i++)
        if (!subscribers[i]->is_blocked)
            write_what_is_due(subscribers[i]);
    forget_what_all_have();
}

static void drop_the_blocked(void)
{
    fprintf(stderr, "ceiling: %zu subscribers read too slowly and are closed\n", blocked_count);
    for (size_t i = subscriber_count; i-- > 0;)
        if (subscribers[i]->is_blocked)
            drop(subscribers[i]);
    forget_what_all_have();
}

static void add_to_stream(const char *frame, size_t len)
{
    if (stream.len + len > STREAM_MAX)
        drop_the_blocked();
    memcpy(stream.bytes + stream.len, frame, len);
    stream.len += len;
}

/* ---- the generator's frames ---- */

static size_t take_frames(void)
{
    size_t at = 0;
    uint32_t len;

    while (input.len - at >= sizeof(len)) {
        memcpy(&len, input.bytes + at, sizeof(len));
        len = ntohl(len);
        if (len > FRAME_MAX)
            return input.len; /* not our generator: ignored */
        if (input.len - at < sizeof(len) + len)
            break;
        add_to_stream(input.bytes + at + sizeof(len), len);
        at += sizeof(len) + len;
        if (!config.joined)
            write_to_all();
    }
    return at;
}

static void on_feed(struct peer *peer)
{
    const ssize_t got = read(peer->fd, input.bytes + input.len, INPUT_MAX - input.len);

    if (got <= 0) {
        input.len = 0;
        drop(peer);
        return;
    }
    input.len += (size_t)got;
    const size_t taken = take_frames();
    input.len -= taken;
    memmove(input.bytes, input.bytes + taken, input.len);
    if (config.joined)
        write_to_all();
}

/* ---- subscribers ---- */

static bool answer_handshake(struct peer *peer)
{
    static const char name[] = "\r\nsec-websocket-key: ";
    const char *key = strcasestr(peer->request, name);
    char accept_key[29], answer[256];

    if (key == NULL || strcspn(key + strlen(name), "\r") != 24)
        return false;
    websocket_accept_key(text_of(key + strlen(name), 24), accept_key);
    const int len = snprintf(answer, sizeof(answer),
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                             accept_key);
    return send(peer->fd, answer, (size_t)len, MSG_NOSIGNAL) == len;
}

static void on_guest(struct peer *peer)
{
    if (peer->request == NULL)
        peer->request = xcalloc(1, REQUEST_MAX);
    const ssize_t got = read(peer->fd, peer->request + peer->got, REQUEST_MAX - 1 - peer->got);
    if (got <= 0) {
        drop(peer);
        return;
    }
    peer->got += (size_t)got;
    if (strstr(peer->request, "\r\n\r\n") == NULL)
        return; /* a request that fills the space ends with a read of 0 bytes */
    if (subscriber_count == (size_t)config.subscribers_max || !answer_handshake(peer)) {
        drop(peer);
        return;
    }
    free(peer->request);
    peer->request = NULL;
    peer->role = ROLE_SUBSCRIBER;
    peer->place = subscriber_count;
    peer->sent = stream.start + stream.len;
    subscribers[subscriber_count++] = peer;
}

static void on_subscriber(struct peer *peer, uint32_t events)
{
    char ignored[4096];

    if (events & EPOLLOUT) {
        write_what_is_due(peer);
        forget_what_all_have();
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && read(peer->fd, ignored, sizeof(ignored)) <= 0)
        drop(peer);
}

/* ---- pings ---- */

static struct {
    int64_t tick_ms; /* when the next share of the subscribers is due */
    int64_t owed;    /* subscribers × ms that have not made a whole ping yet */
    size_t next;     /* place of the subscriber whose turn it is */
} pings;

static void ping_next(void)
{
    static const char ping[] = {(char)0x81, 2, '{', '}'}; /* a text frame, final */

    if (pings.next >= subscriber_count)
        pings.next = 0;
    if (send(subscribers[pings.next++]->fd, ping, sizeof(ping), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return; /* gone, or its socket is full: the next event says which */
}

/* Returns how long to wait for the next ones; -1: no pings. */
static int ping_who_is_due(void)
{
    if (config.ping_interval_ms == 0)
        return -1;
    const int64_t now_ms = clock_mono_ms();
    for (; pings.tick_ms <= now_ms; pings.tick_ms += PING_TICK_MS) {
        pings.owed += (int64_t)subscriber_count * PING_TICK_MS;
        for (; pings.owed >= config.ping_interval_ms; pings.owed -= config.ping_interval_ms)
            ping_next();
    }
    return (int)(pings.tick_ms - now_ms);
}

/* ---- life ---- */

static int listen_on(int64_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0)
        die("ceiling: listen");
    return fd;
}

static void on_connection(const struct peer *listener)
{
    const int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC), on = 1;

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    add_peer(fd, listener->role == ROLE_LISTENER ? ROLE_GUEST : ROLE_FEED);
}

static void on_event(struct peer *peer, uint32_t events)
{
    if (peer->fd < 0)
        return;
    switch (peer->role) {
    case ROLE_LISTENER:
    case ROLE_FEED_LISTENER:
        on_connection(peer);
        break;
    case ROLE_FEED:
        on_feed(peer);
        break;
    case ROLE_GUEST:
        on_guest(peer);
        break;
    case ROLE_SUBSCRIBER:
        on_subscriber(peer, events);
        break;
    }
}

static void read_options(int argc, char **argv)
{
    struct option table[] = {
        {.name = "port",
         .type = OPTION_NUMBER,
         .value = &config.port,
         .fallback = "9100",
         .unit = "port",
         .min = 1,
         .max = 65534,
         .help = "Subscribers connect here, the generator at the next port."},
        {.name = "subscribers-max",
         .type = OPTION_NUMBER,
         .value = &config.subscribers_max,
         .fallback = "20000",
         .unit = "connections",
         .min = 1,
         .max = 1000000,
         .help = "More are closed."},
        {.name = "joined",
         .type = OPTION_FLAG,
         .value = &config.joined,
         .fallback = "false",
         .help = "What is pending leaves in one write."},
        {.name = "ping-interval-ms",
         .type = OPTION_NUMBER,
         .value = &config.ping_interval_ms,
         .fallback = "0",
         .unit = "ms",
         .min = 0,
         .max = 3600000,
         .help = "Each subscriber gets a ping once in so long; 0: none."},
    };
    options_load(
        &(struct options){.program = "ceiling",
                          .summary =
                              "A bare epoll server: the yardstick for the gateway's fan-out.",
                          .table = table,
                          .count = ARRAY_COUNT(table)},
        argc, argv);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];

    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    subscribers = xcalloc((size_t)config.subscribers_max, sizeof(*subscribers));
    add_peer(listen_on(config.port), ROLE_LISTENER);
    add_peer(listen_on(config.port + 1), ROLE_FEED_LISTENER);
    pings.tick_ms = clock_mono_ms();
    for (;;) {
        const int count = epoll_wait(epoll, events, EVENTS_MAX, ping_who_is_due());
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++)
            on_event(events[i].data.ptr, events[i].events);
        free_the_gone();
    }
}
