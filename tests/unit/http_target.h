/*
 * http_target: a small real HTTP server for tests of what asks others: one thread per connection,
 * so that an answer may wait for the test. `answer` is called on those threads.
 */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"

#define TARGET_CONNECTIONS_MAX 512

struct target_request {
    struct buf head; /* request line and headers, as they came, with a NUL behind */
    struct buf body;
};

struct target_reply {
    int status;
    struct buf body;
    bool hang;       /* no answer at all, until the other side closes */
    bool cut;        /* closes instead of answering */
    bool ends_after; /* answers and closes */
};

typedef void (*target_answer_fn)(void *context, const struct target_request *request,
                                 struct target_reply *reply);

struct target {
    target_answer_fn answer;
    void *context;
    int fd, port;
    char url[64]; /* "http://127.0.0.1:1234" */
    pthread_t thread, connections[TARGET_CONNECTIONS_MAX];
    int fds[TARGET_CONNECTIONS_MAX];
    atomic_int connection_count, request_count;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int at_once, at_once_max; /* requests that wait in target_hold() */
    bool released;
};

struct target_connection {
    struct target *target;
    int fd;
};

/* Reads until the end of a request; false: the other side closed. */
static inline bool target_read(int fd, struct target_request *request)
{
    struct buf *in = &request->head;
    const char *end;

    while (in->len == 0 || (end = memmem(in->at, in->len, "\r\n\r\n", 4)) == NULL) {
        const ssize_t count = recv(fd, buf_reserve(in, 4096), 4096, 0);
        if (count <= 0)
            return false;
        in->len += (size_t)count;
    }
    const size_t head_len = (size_t)(end - in->at) + 4;
    buf_add(&request->body, in->at + head_len, in->len - head_len);
    in->len = head_len;
    const char *length = strcasestr(buf_cstring(in), "\r\ncontent-length:");
    const size_t body_len = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
    while (request->body.len < body_len) {
        const ssize_t count = recv(fd, buf_reserve(&request->body, 4096), 4096, 0);
        if (count <= 0)
            return false;
        request->body.len += (size_t)count;
    }
    return true;
}

static inline bool target_write(int fd, const struct target_reply *reply)
{
    struct buf out = {0};
    size_t sent = 0;

    buf_printf(&out, "HTTP/1.1 %d X\r\ncontent-length: %zu\r\n\r\n", reply->status,
               reply->body.len);
    buf_add(&out, reply->body.at, reply->body.len);
    while (sent < out.len) {
        const ssize_t count = send(fd, out.at + sent, out.len - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break;
        sent += (size_t)count;
    }
    const bool whole = sent == out.len;
    buf_fini(&out);
    return whole && !reply->ends_after;
}

static inline void *target_serve(void *arg)
{
    struct target_connection *connection = arg;
    struct target *target = connection->target;
    const int fd = connection->fd;
    bool goes_on = true;
    char byte;

    free(connection);
    while (goes_on) {
        struct target_request request = {0};
        struct target_reply reply = {.status = 200};

        goes_on = target_read(fd, &request);
        if (goes_on) {
            target->request_count++;
            target->answer(target->context, &request, &reply);
            if (reply.hang)
                while (recv(fd, &byte, 1, 0) > 0)
                    continue;
            goes_on = !reply.hang && !reply.cut && target_write(fd, &reply);
        }
        buf_fini(&request.head);
        buf_fini(&request.body);
        buf_fini(&reply.body);
    }
    shutdown(fd, SHUT_RDWR); /* closed by target_close(): the number must stay ours till then */
    return NULL;
}

static inline void *target_accept(void *arg)
{
    struct target *target = arg;
    int fd;

    while ((fd = accept(target->fd, NULL, NULL)) >= 0) {
        struct target_connection *connection = xcalloc(1, sizeof(*connection));
        const int index = target->connection_count;
        CHECK(index < TARGET_CONNECTIONS_MAX);
        *connection = (struct target_connection){target, fd};
        target->fds[index] = fd;
        CHECK(pthread_create(&target->connections[index], NULL, target_serve, connection) == 0);
        target->connection_count++;
    }
    return NULL;
}

static inline void target_open(struct target *target, target_answer_fn answer, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    *target = (struct target){.answer = answer, .context = context};
    pthread_mutex_init(&target->lock, NULL);
    pthread_cond_init(&target->changed, NULL);
    target->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(target->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(target->fd, 128) == 0);
    CHECK(getsockname(target->fd, (struct sockaddr *)&address, &len) == 0);
    target->port = ntohs(address.sin_port);
    snprintf(target->url, sizeof(target->url), "http://127.0.0.1:%d", target->port);
    CHECK(pthread_create(&target->thread, NULL, target_accept, target) == 0);
}

/* Waits in `answer` until the test lets all go. */
static inline void target_hold(struct target *target)
{
    pthread_mutex_lock(&target->lock);
    target->at_once++;
    if (target->at_once > target->at_once_max)
        target->at_once_max = target->at_once;
    pthread_cond_broadcast(&target->changed);
    while (!target->released)
        pthread_cond_wait(&target->changed, &target->lock);
    target->at_once--;
    pthread_mutex_unlock(&target->lock);
}

/* The test: waits until `count` requests wait in target_hold(). */
static inline void target_wait_held(struct target *target, int count)
{
    pthread_mutex_lock(&target->lock);
    while (target->at_once < count)
        pthread_cond_wait(&target->changed, &target->lock);
    pthread_mutex_unlock(&target->lock);
}

static inline void target_release(struct target *target)
{
    pthread_mutex_lock(&target->lock);
    target->released = true;
    pthread_cond_broadcast(&target->changed);
    pthread_mutex_unlock(&target->lock);
}

/* Ends what hangs or is held, too. */
static inline void target_close(struct target *target)
{
    target_release(target);
    shutdown(target->fd, SHUT_RDWR);
    pthread_join(target->thread, NULL);
    for (int i = 0; i < target->connection_count; i++) {
        shutdown(target->fds[i], SHUT_RDWR);
        pthread_join(target->connections[i], NULL);
        close(target->fds[i]);
    }
    close(target->fd);
    pthread_mutex_destroy(&target->lock);
    pthread_cond_destroy(&target->changed);
}
