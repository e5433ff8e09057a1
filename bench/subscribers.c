#include "bench/subscribers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/jwt.h"
#include "base/log.h"
#include "gateway/protocol/websocket.h"

#define SOURCES      8
#define AT_ONCE      64 /* connections that are being made */
#define EVENTS_MAX   256
#define READ_MAX     (256u << 10)
#define TOKEN_LIFE_S 3600

enum state {
    SUBSCRIBER_UNUSED,
    SUBSCRIBER_UPGRADING,   /* the request is sent */
    SUBSCRIBER_SUBSCRIBING, /* connect and subscribe are sent */
    SUBSCRIBER_FOLLOWING,
    SUBSCRIBER_LOST,
};

struct subscriber {
    int fd;
    enum state state;
    uint64_t next;      /* the offset that comes next; 0: the first one tells */
    struct buf partial; /* what was read and is no whole frame yet; empty nearly always */
};

struct subscribers {
    struct subscribers_config config;
    struct subscriber *all;
    size_t started, following; /* the first `started` of all were connected */
    int epoll;
    struct subscribers_counts counts;
    char *bytes;
};

static void lose(struct subscribers *subscribers, struct subscriber *one, const char *why)
{
    log_error("a subscriber was lost: %s", why);
    subscribers->following -= one->state == SUBSCRIBER_FOLLOWING;
    one->state = SUBSCRIBER_LOST;
    subscribers->counts.lost++;
    close(one->fd);
    one->fd = -1;
}

/* ---- sending ---- */

static void send_bytes(struct subscribers *subscribers, struct subscriber *one, struct text bytes)
{
    if (send(one->fd, bytes.at, bytes.len, MSG_NOSIGNAL) != (ssize_t)bytes.len)
        lose(subscribers, one, "its socket did not take what it has to say");
}

/* A masked text or pong frame of less than 64 KiB; a mask of zeros leaves the payload as it is. */
static void send_frame(struct subscribers *subscribers, struct subscriber *one,
                       enum websocket_opcode opcode, struct text payload)
{
    unsigned char header[WEBSOCKET_HEADER_MAX];
    const size_t header_len = websocket_header(opcode, payload.len, header);
    struct buf frame = {0};

    header[1] |= 0x80;
    buf_add(&frame, header, header_len);
    buf_add(&frame, "\0\0\0\0", 4);
    buf_add_text(&frame, payload);
    send_bytes(subscribers, one, buf_text(&frame));
    buf_fini(&frame);
}

static void send_upgrade(struct subscribers *subscribers, struct subscriber *one)
{
    struct buf request = {0};

    buf_printf(
        &request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFybGV5IGJlbmNobWFyaw==\r\n\r\n",
        subscribers->config.path, subscribers->config.port);
    send_bytes(subscribers, one, buf_text(&request));
    buf_fini(&request);
}

/* Both commands in one frame, as the public client does. */
static void send_connect(struct subscribers *subscribers, struct subscriber *one)
{
    const struct subscribers_config *config = &subscribers->config;
    const long long own = one - subscribers->all + 1;
    const long long user = config->user_id != 0 ? config->user_id : own;
    const long long session = config->user_id != 0 ? config->session_id : own;
    struct buf claims = {0}, token = {0}, commands = {0};

    buf_printf(&claims, "{\"sub\":\"%lld\",\"sid\":\"%lld\",\"aud\":\"%.*s\",\"exp\":%lld}", user,
               session, TEXT_ARGS(config->audience),
               (long long)(clock_wall_us() / 1000000 + TOKEN_LIFE_S));
    jwt_sign(&token, buf_text(&claims), config->token_secret);
    buf_printf(&commands, "{\"connect\":{\"token\":\"%s\",\"name\":\"bench\"},\"id\":1}\n",
               buf_cstring(&token));
    buf_printf(&commands, "{\"subscribe\":{\"channel\":\"%.*s\"},\"id\":2}",
               TEXT_ARGS(subscribers->config.channel));
    send_frame(subscribers, one, WEBSOCKET_TEXT, buf_text(&commands));
    buf_fini(&claims);
    buf_fini(&token);
    buf_fini(&commands);
}

/* ---- receiving ---- */

static bool find(struct text whole, const char *word, struct text *after)
{
    const char *at = memmem(whole.at, whole.len, word, strlen(word));

    if (at != NULL)
        *after = text_after(whole, (size_t)(at - whole.at) + strlen(word));
    return at != NULL;
}

static uint64_t leading_number(struct text digits)
{
    uint64_t number = 0;

    for (size_t i = 0; i < digits.len && digits.at[i] >= '0' && digits.at[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(digits.at[i] - '0');
    return number;
}

static void on_publication(struct subscribers *subscribers, struct subscriber *one, uint64_t offset)
{
    struct subscribers_counts *counts = &subscribers->counts;

    if (one->next == 0)
        one->next = offset; /* the ceiling does not say where its stream stands */
    if (offset < one->next) {
        counts->repeated++;
        return;
    }
    counts->skipped += offset - one->next;
    counts->delivered++;
    one->next = offset + 1;
}

static void on_push(struct subscribers *subscribers, struct subscriber *one, struct text line)
{
    const struct text channel = subscribers->config.channel;
    struct text rest;

    /* {"push":{"channel":"room:7","pub":{"data":...,"offset":3}}} */
    if (!find(line, "\"channel\":\"", &rest) || !text_starts(rest, channel) ||
        rest.at[channel.len] != '"' || !find(rest, "\"offset\":", &rest)) {
        subscribers->counts.others++;
        return;
    }
    on_publication(subscribers, one, leading_number(rest));
}

static void on_reply(struct subscribers *subscribers, struct subscriber *one, struct text line)
{
    struct text rest;

    if (find(line, "\"error\":", &rest)) {
        log_error("refused: %.*s", TEXT_ARGS(line));
        lose(subscribers, one, "an error instead of a reply");
        return;
    }
    if (!find(line, "\"subscribe\":{", &rest))
        return; /* the reply to connect */
    if (find(rest, "\"offset\":", &rest))
        one->next = leading_number(rest) + 1;
    one->state = SUBSCRIBER_FOLLOWING;
    subscribers->following++;
}

static void on_line(struct subscribers *subscribers, struct subscriber *one, struct text line)
{
    if (text_starts(line, text("{\"push\":"))) {
        on_push(subscribers, one, line);
    } else if (text_equal(line, text("{}"))) {
        subscribers->counts.pings++;
        send_frame(subscribers, one, WEBSOCKET_TEXT, line);
    } else {
        on_reply(subscribers, one, line);
    }
}

static void on_frame(struct subscribers *subscribers, struct subscriber *one, int opcode,
                     struct text payload)
{
    if (opcode == WEBSOCKET_PING) {
        subscribers->counts.pings++;
        send_frame(subscribers, one, WEBSOCKET_PONG, payload);
    } else if (opcode == WEBSOCKET_CLOSE) {
        lose(subscribers, one, "the server sent a close frame");
    }
    while (opcode == WEBSOCKET_TEXT && payload.len > 0 && one->state != SUBSCRIBER_LOST) {
        const char *newline = memchr(payload.at, '\n', payload.len);
        const size_t len = newline != NULL ? (size_t)(newline - payload.at) : payload.len;
        on_line(subscribers, one, text_of(payload.at, len));
        payload = text_after(payload, newline != NULL ? len + 1 : len);
    }
}

/* One frame off the front of `bytes`: its length with header, 0 when it is not all there. Servers
 * do not mask, and neither server fragments. */
static size_t cut_frame(struct text bytes, int *opcode, struct text *payload)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t header = 2, len;

    if (bytes.len < 4)
        return bytes.len >= 2 && at[1] == 0 ? (*opcode = at[0] & 15, *payload = text(NULL), 2) : 0;
    len = at[1] & 127;
    if (len == 126) {
        header = 4;
        len = (size_t)at[2] << 8 | at[3];
    } else if (len == 127) {
        if (bytes.len < 10)
            return 0;
        header = 10;
        len = (size_t)at[6] << 24 | (size_t)at[7] << 16 | (size_t)at[8] << 8 | at[9];
    }
    if (bytes.len < header + len)
        return 0;
    *opcode = at[0] & 15;
    *payload = text_of(bytes.at + header, len);
    return header + len;
}

/* Returns what is left: the beginning of a frame. */
static struct text read_frames(struct subscribers *subscribers, struct subscriber *one,
                               struct text bytes)
{
    struct text payload;
    int opcode;

    for (size_t len;
         one->state != SUBSCRIBER_LOST && (len = cut_frame(bytes, &opcode, &payload)) > 0;) {
        on_frame(subscribers, one, opcode, payload);
        bytes = text_after(bytes, len);
    }
    return bytes;
}

static struct text read_upgrade(struct subscribers *subscribers, struct subscriber *one,
                                struct text bytes)
{
    struct text rest;

    if (!find(bytes, "\r\n\r\n", &rest))
        return bytes;
    if (!text_starts(bytes, text("HTTP/1.1 101 "))) {
        lose(subscribers, one, "no 101");
    } else if (subscribers->config.token_secret.len > 0) {
        one->state = SUBSCRIBER_SUBSCRIBING;
        send_connect(subscribers, one);
    } else {
        one->state = SUBSCRIBER_FOLLOWING;
        subscribers->following++;
    }
    return read_frames(subscribers, one, rest);
}

static void on_readable(struct subscribers *subscribers, struct subscriber *one)
{
    const ssize_t got = recv(one->fd, subscribers->bytes, READ_MAX, MSG_DONTWAIT);
    struct text bytes = text_of(subscribers->bytes, got > 0 ? (size_t)got : 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        lose(subscribers, one, "the server closed it");
        return;
    }
    subscribers->counts.bytes += (uint64_t)got;
    if (one->partial.len > 0) {
        buf_add_text(&one->partial, bytes);
        bytes = buf_text(&one->partial);
    }
    const struct text left = one->state == SUBSCRIBER_UPGRADING
                                 ? read_upgrade(subscribers, one, bytes)
                                 : read_frames(subscribers, one, bytes);
    if (one->partial.len > 0) {
        memmove(one->partial.at, left.at, left.len);
        one->partial.len = left.len;
    } else if (left.len > 0) {
        buf_add_text(&one->partial, left);
    }
}

void subscribers_read(struct subscribers *subscribers, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(subscribers->epoll, events, EVENTS_MAX, wait_ms);

    for (int i = 0; i < count; i++) {
        struct subscriber *one = &subscribers->all[events[i].data.u64];
        if (one->fd >= 0)
            on_readable(subscribers, one);
    }
}

/* ---- life ---- */

static enum err connect_one(struct subscribers *subscribers, size_t index)
{
    struct subscriber *one = &subscribers->all[index];
    const struct sockaddr_in source = {.sin_family = AF_INET,
                                       .sin_addr.s_addr =
                                           htonl(INADDR_LOOPBACK + (uint32_t)(index % SOURCES))};
    const struct sockaddr_in server = {.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)subscribers->config.port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
    const int on = 1;

    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one->fd < 0 ||
        setsockopt(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        bind(one->fd, (const struct sockaddr *)&source, sizeof(source)) != 0 ||
        connect(one->fd, (const struct sockaddr *)&server, sizeof(server)) != 0 ||
        epoll_ctl(subscribers->epoll, EPOLL_CTL_ADD, one->fd, &event) != 0) {
        log_error("subscriber %zu: %s", index, strerror(errno));
        return ERR_UNAVAILABLE;
    }
    one->state = SUBSCRIBER_UPGRADING;
    send_upgrade(subscribers, one);
    return ERR_OK;
}

enum err subscribers_connect(struct subscribers *subscribers, size_t count, int timeout_ms)
{
    const int64_t end_ms = clock_mono_ms() + timeout_ms;
    enum err err = ERR_OK;

    CHECK(count <= subscribers->config.count);
    while (err == ERR_OK && subscribers->following < count) {
        while (err == ERR_OK && subscribers->started < count &&
               subscribers->started - subscribers->following < AT_ONCE)
            err = connect_one(subscribers, subscribers->started++);
        subscribers_read(subscribers, 100);
        if (subscribers->counts.lost > 0 || clock_mono_ms() > end_ms)
            err = ERR_UNAVAILABLE;
    }
    if (err != ERR_OK)
        log_error("%zu of %zu subscribers follow the channel", subscribers->following, count);
    return err;
}

struct subscribers *subscribers_create(const struct subscribers_config *config)
{
    struct subscribers *subscribers = xcalloc(1, sizeof(*subscribers));

    subscribers->config = *config;
    subscribers->all = xcalloc(config->count, sizeof(*subscribers->all));
    subscribers->bytes = xmalloc(READ_MAX);
    for (size_t i = 0; i < config->count; i++)
        subscribers->all[i].fd = -1;
    subscribers->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(subscribers->epoll >= 0);
    return subscribers;
}

void subscribers_destroy(struct subscribers *subscribers)
{
    if (subscribers == NULL)
        return;
    for (size_t i = 0; i < subscribers->config.count; i++) {
        if (subscribers->all[i].fd >= 0)
            close(subscribers->all[i].fd);
        buf_fini(&subscribers->all[i].partial);
    }
    close(subscribers->epoll);
    free(subscribers->all);
    free(subscribers->bytes);
    free(subscribers);
}

const struct subscribers_counts *subscribers_count(const struct subscribers *subscribers)
{
    return &subscribers->counts;
}
