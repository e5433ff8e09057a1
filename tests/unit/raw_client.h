/*
 * raw_client: a WebSocket client of a few lines for a gateway that runs on the test's own loop.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

#define RAW_MESSAGES_MAX 4096

struct raw_client {
    int fd;
    struct buf in;
    bool upgraded, ended;
    char *messages[RAW_MESSAGES_MAX]; /* JSON objects, one each */
    size_t count, seen;               /* seen: what the test has taken */
    int close_code;                   /* 0: not closed */
    char close_reason[128];
};

static inline void raw_write(struct raw_client *client, const void *bytes, size_t len)
{
    CHECK(send(client->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static inline void raw_open(struct raw_client *client, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "GET /connection/websocket HTTP/1.1\r\nhost: 127.0.0.1\r\n"
                                  "connection: upgrade\r\nupgrade: websocket\r\n"
                                  "sec-websocket-version: 13\r\n"
                                  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    *client = (struct raw_client){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    CHECK(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    raw_write(client, request, sizeof(request) - 1);
}

static inline void raw_close(struct raw_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    for (size_t i = 0; i < client->count; i++)
        free(client->messages[i]);
    client->count = 0;
    buf_fini(&client->in);
}

/* Masked with zeros: the text stays readable in a dump. */
static inline void raw_send(struct raw_client *client, const char *message)
{
    const size_t len = strlen(message);
    struct buf out = {0};

    buf_add_byte(&out, (char)0x81);
    if (len < 126) {
        buf_add_byte(&out, (char)(0x80 | len));
    } else {
        buf_add_byte(&out, (char)(0x80 | 126));
        buf_add_byte(&out, (char)(len >> 8));
        buf_add_byte(&out, (char)len);
    }
    buf_add(&out, "\0\0\0\0", 4);
    buf_add(&out, message, len);
    raw_write(client, out.at, out.len);
    buf_fini(&out);
}

static inline void raw_take_text(struct raw_client *client, struct text text)
{
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        const size_t len = end != NULL ? (size_t)(end - text.at) : text.len;
        CHECK(client->count < RAW_MESSAGES_MAX);
        client->messages[client->count++] = xstrndup(text.at, len);
        text = text_after(text, len + (end != NULL));
    }
}

/* One frame from the start of the input; false: not whole yet. */
static inline bool raw_take_frame(struct raw_client *client)
{
    const unsigned char *at = (const unsigned char *)client->in.at;
    size_t header = 2, len;

    if (client->in.len < 2)
        return false;
    len = at[1];
    if (len == 126) {
        if (client->in.len < (header = 4))
            return false;
        len = (size_t)at[2] << 8 | at[3];
    } else if (len == 127) {
        if (client->in.len < (header = 10))
            return false;
        len = 0;
        for (int i = 2; i < 10; i++)
            len = len << 8 | at[i];
    }
    if (client->in.len < header + len)
        return false;
    const struct text payload = text_of(client->in.at + header, len);
    if ((at[0] & 0x0f) == 1)
        raw_take_text(client, payload);
    if ((at[0] & 0x0f) == 8 && len >= 2) {
        client->close_code = at[header] << 8 | at[header + 1];
        snprintf(client->close_reason, sizeof(client->close_reason), "%.*s",
                 TEXT_ARGS(text_after(payload, 2)));
        (void)!send(client->fd, "\x88\x80\0\0\0\0", 6, MSG_NOSIGNAL); /* goodbye, too */
    }
    memmove(client->in.at, client->in.at + header + len, client->in.len - header - len);
    client->in.len -= header + len;
    return true;
}

static inline void raw_take_handshake(struct raw_client *client)
{
    const char *end =
        client->in.len > 0 ? memmem(client->in.at, client->in.len, "\r\n\r\n", 4) : NULL;

    if (end == NULL)
        return;
    const size_t len = (size_t)(end + 4 - client->in.at);
    CHECK(memmem(client->in.at, len, " 101 ", 5) != NULL);
    memmove(client->in.at, client->in.at + len, client->in.len - len);
    client->in.len -= len;
    client->upgraded = true;
}

/* Takes what has arrived; never waits. */
static inline void raw_read(struct raw_client *client)
{
    for (;;) {
        const ssize_t got = recv(client->fd, buf_reserve(&client->in, 65536), 65536, MSG_DONTWAIT);
        if (got <= 0) {
            client->ended = client->ended || got == 0 || (errno != EAGAIN && errno != EINTR);
            break;
        }
        client->in.len += (size_t)got;
    }
    if (!client->upgraded)
        raw_take_handshake(client);
    while (client->upgraded && raw_take_frame(client)) {
    }
}

/* Moves on behind the first message that contains `part`, and gives it; NULL: none yet. */
static inline const char *raw_find(struct raw_client *client, const char *part)
{
    for (size_t i = client->seen; i < client->count; i++)
        if (strstr(client->messages[i], part) != NULL) {
            client->seen = i + 1;
            return client->messages[i];
        }
    return NULL;
}

static inline bool raw_has(const struct raw_client *client, const char *part)
{
    for (size_t i = client->seen; i < client->count; i++)
        if (strstr(client->messages[i], part) != NULL)
            return true;
    return false;
}
