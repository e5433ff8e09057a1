#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BACKLOG          4096
#define ACCEPTS_PER_TURN 64    /* then others of this loop have their turn */
#define PAUSE_MS         100   /* after an accept that failed: no descriptors, no memory */
#define CLOSE_CHECK_MS   10    /* how often listener_close() looks whether all have gone */
#define COMPLAINT_MS     5000  /* at most one line about a full house in so long */
#define STALLED_MS       30000 /* a peer that takes none of what is sent for so long is gone */
#define REFUSED_KEPT     256   /* refused sockets that wait for their peers to read why */
#define REFUSED_KEEP_MS  500
#define RETRY_AFTER_MAX  5 /* seconds: who is refused at once comes back spread over them */

/* One accepted socket, from accept() until libuv closed it. */
struct connection {
    uv_tcp_t tcp;
    struct listener *listener;
    h2o_socket_t *socket;
    bool upgraded;
    struct connection *prev, *next;
};

/* A socket that was answered: closed before the peer's request is there, it would take the answer back with a reset. */
struct refused {
    int fd;
    uint64_t until_ms; /* by uv_now() */
};

struct listener {
    h2o_context_t http;
    h2o_accept_ctx_t accept;
    uv_loop_t *loop;
    /*
     * uv_listen() would accept for us, but when accept() keeps failing (ENFILE, ENOMEM) it calls
     * back without end inside one turn of the loop; we pause instead.
     */
    uv_poll_t readable;
    uv_timer_t timer; /* ends a pause; in listener_close() looks whether all have gone */
    int fd;           /* -1: drained */
    int port;
    bool draining, closing;
    struct connection *connections;
    size_t connection_count, connection_limit;
    uint64_t refused;
    int64_t complained_ms;
    struct refused kept[REFUSED_KEPT]; /* a ring, oldest first */
    size_t kept_first, kept_count;
    uv_timer_t keeping; /* until the oldest may go */
};

void listener_conf_init(h2o_globalconf_t *conf, size_t body_max, int header_timeout_ms,
                        int (*on_req)(h2o_handler_t *, h2o_req_t *))
{
    h2o_config_init(conf);
    conf->http1.upgrade_to_http2 = 0;
    conf->http1.req_timeout = (uint64_t)header_timeout_ms;
    conf->max_request_entity_size = body_max;
    conf->server_name = h2o_iovec_init(H2O_STRLIT("parley"));

    h2o_hostconf_t *host =
        h2o_config_register_host(conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_req;
}

/* ---- one connection ---- */

static void on_tcp_closed(uv_handle_t *handle)
{
    free(container_of((uv_tcp_t *)handle, struct connection, tcp));
}

/* From inside h2o_socket_close(), whoever called that. */
static void on_socket_close(void *data)
{
    struct connection *connection = data;
    struct listener *listener = connection->listener;

    *(connection->prev != NULL ? &connection->prev->next : &listener->connections) =
        connection->next;
    if (connection->next != NULL)
        connection->next->prev = connection->prev;
    listener->connection_count--;
}

static void serve(struct listener *listener, int fd)
{
    struct connection *connection = xcalloc(1, sizeof(*connection));

    CHECK(uv_tcp_init(listener->loop, &connection->tcp) == 0);
    if (uv_tcp_open(&connection->tcp, fd) != 0) {
        close(fd);
        uv_close((uv_handle_t *)&connection->tcp, on_tcp_closed);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    /* libh2o waits for ever with an answer that nobody reads. Linux counts a closed window too
     * (tcp_probe_timer()). */
    const unsigned stalled_ms = STALLED_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stalled_ms, sizeof(stalled_ms));

    connection->listener = listener;
    connection->next = listener->connections;
    if (connection->next != NULL)
        connection->next->prev = connection;
    listener->connections = connection;
    listener->connection_count++;

    connection->socket = h2o_uv_socket_create((uv_stream_t *)&connection->tcp, on_tcp_closed);
    connection->socket->on_close.cb = on_socket_close;
    connection->socket->on_close.data = connection;
    h2o_accept(&listener->accept, connection->socket);
}

void listener_upgraded(h2o_socket_t *socket)
{
    struct connection *connection = socket->on_close.data;

    connection->upgraded = true;
}

/* ---- accepting ---- */

static void complain(struct listener *listener, const char *why)
{
    const int64_t now_ms = clock_mono_ms();

    if (listener->complained_ms != 0 && now_ms - listener->complained_ms < COMPLAINT_MS)
        return;
    listener->complained_ms = now_ms;
    log_warn("listener :%d: %s; %zu connections, %llu refused so far", listener->port, why,
             listener->connection_count, (unsigned long long)listener->refused);
}

static void let_oldest_go(struct listener *listener)
{
    close(listener->kept[listener->kept_first].fd);
    listener->kept_first = (listener->kept_first + 1) % REFUSED_KEPT;
    listener->kept_count--;
}

static void on_kept_long_enough(uv_timer_t *timer)
{
    struct listener *listener = container_of(timer, struct listener, keeping);
    const uint64_t now_ms = uv_now(listener->loop);

    while (listener->kept_count > 0 && listener->kept[listener->kept_first].until_ms <= now_ms)
        let_oldest_go(listener);
    if (listener->kept_count > 0)
        uv_timer_start(timer, on_kept_long_enough,
                       listener->kept[listener->kept_first].until_ms - now_ms, 0);
}

static void keep_for_a_while(struct listener *listener, int fd)
{
    if (listener->kept_count == REFUSED_KEPT)
        let_oldest_go(listener);
    listener->kept[(listener->kept_first + listener->kept_count++) % REFUSED_KEPT] =
        (struct refused){fd, uv_now(listener->loop) + REFUSED_KEEP_MS};
    if (!uv_is_active((uv_handle_t *)&listener->keeping))
        uv_timer_start(&listener->keeping, on_kept_long_enough, REFUSED_KEEP_MS, 0);
}

/* Without waiting for the request, whatever it is: one write, no memory, and nothing of libh2o. */
static void refuse(struct listener *listener, int fd)
{
    char answer[200];
    const int len = snprintf(answer, sizeof(answer),
                             "HTTP/1.1 503 Service Unavailable\r\nretry-after: %d\r\n"
                             "connection: close\r\ncontent-type: text/plain; charset=utf-8\r\n"
                             "content-length: 21\r\n\r\ntoo many connections\n",
                             (int)(1 + listener->refused % RETRY_AFTER_MAX));

    listener->refused++;
    if (send(fd, answer, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len &&
        shutdown(fd, SHUT_WR) == 0)
        keep_for_a_while(listener, fd);
    else
        close(fd);
    complain(listener, "the connection limit is reached");
}

static void take(struct listener *listener, int fd)
{
    if (listener->connection_count < listener->connection_limit)
        serve(listener, fd);
    else
        refuse(listener, fd);
}

static void start_accepting(struct listener *listener);

static void on_pause_over(uv_timer_t *timer)
{
    start_accepting(container_of(timer, struct listener, timer));
}

static void pause_accepting(struct listener *listener, int error)
{
    complain(listener, strerror(error));
    uv_poll_stop(&listener->readable);
    uv_timer_start(&listener->timer, on_pause_over, PAUSE_MS, 0);
}

static bool concerns_one_connection(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

/* What waits, up to `limit`. */
static void accept_waiting(struct listener *listener, int limit)
{
    for (int i = 0; i < limit; i++) {
        const int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(listener, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!concerns_one_connection(errno)) {
            pause_accepting(listener, errno);
            return;
        }
    }
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct listener *listener = container_of(handle, struct listener, readable);

    if (status < 0)
        pause_accepting(listener, -status);
    else
        accept_waiting(listener, ACCEPTS_PER_TURN);
}

static void start_accepting(struct listener *listener)
{
    CHECK(uv_poll_start(&listener->readable, UV_READABLE, on_readable) == 0);
}

/* ---- opening ---- */

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* Does anybody listen there? Without SO_REUSEPORT the kernel tells. */
static bool is_taken(const struct addrinfo *address)
{
    const int one = 1;
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false; /* the real one will say why */
    const bool taken = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                       bind(fd, address->ai_addr, address->ai_addrlen) != 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

/* A listening socket at the address, or -1 and errno. */
static int listen_at(const struct addrinfo *address, bool joins)
{
    const int one = 1;

    if (!joins && is_taken(address)) {
        errno = EADDRINUSE;
        return -1;
    }
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Blocks for a name that is no number: at the start only. */
static int listen_on(const char *host, int port, bool joins)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *address;
    char service[16];

    snprintf(service, sizeof(service), "%d", port);
    const int failed = getaddrinfo(host, service, &hints, &address);
    if (failed != 0) {
        log_error("listener %s:%d: %s", host, port, gai_strerror(failed));
        return -1;
    }
    const int fd = listen_at(address, joins);
    if (fd < 0)
        log_error("listener %s:%d: %s", host, port, strerror(errno));
    freeaddrinfo(address);
    return fd;
}

enum err listener_open(struct listener **out, uv_loop_t *loop, const struct listener_config *config)
{
    const int fd = listen_on(config->host, config->port, config->joins);

    if (fd < 0)
        return ERR_UNAVAILABLE;
    struct listener *listener = xcalloc(1, sizeof(*listener));
    listener->loop = loop;
    listener->fd = fd;
    listener->port = bound_port(fd);
    listener->connection_limit = config->connection_limit;
    h2o_context_init(&listener->http, loop, config->http);
    listener->accept = (h2o_accept_ctx_t){.ctx = &listener->http, .hosts = config->http->hosts};
    CHECK(uv_timer_init(loop, &listener->timer) == 0);
    CHECK(uv_timer_init(loop, &listener->keeping) == 0);
    CHECK(uv_poll_init(loop, &listener->readable, fd) == 0);
    start_accepting(listener);
    *out = listener;
    return ERR_OK;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}

h2o_context_t *listener_context(struct listener *listener)
{
    return &listener->http;
}

size_t listener_connections(const struct listener *listener)
{
    return listener->connection_count;
}

uint64_t listener_refused(const struct listener *listener)
{
    return listener->refused;
}

bool listener_is_draining(const struct listener *listener)
{
    return listener->draining;
}

/* ---- draining and closing ---- */

/*
 * libh2o sees that as the end of the client's requests: an idle connection closes, a pending one
 * after its answer. Only the kernel's socket is touched: no callback runs inside.
 */
static void shut_down(struct listener *listener, int how, bool upgraded_too)
{
    for (struct connection *at = listener->connections; at != NULL; at = at->next)
        if (upgraded_too || !at->upgraded)
            shutdown(h2o_socket_get_fd(at->socket), how);
}

static void on_part_closed(uv_handle_t *handle)
{
}

void listener_drain(struct listener *listener)
{
    if (listener->draining)
        return;
    accept_waiting(listener, BACKLOG); /* closing the socket would reset who waits in its queue */
    listener->draining = true;
    uv_timer_stop(&listener->timer);
    uv_close((uv_handle_t *)&listener->readable, on_part_closed);
    while (listener->kept_count > 0)
        let_oldest_go(listener);
    uv_close((uv_handle_t *)&listener->keeping, on_part_closed);
    close(listener->fd);
    listener->fd = -1;
    /* Not h2o_context_request_shutdown(): it starts a timer for HTTP/2, which h2o_context_dispose()
     * aborts over. */
    listener->http.shutdown_requested = 1;
    shut_down(listener, SHUT_RD, false);
}

static void on_gone(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct listener, timer));
}

/* The context's own timers were closed after ours; libuv is done with them one turn later. */
static void on_timer_closed(uv_handle_t *handle)
{
    struct listener *listener = container_of((uv_timer_t *)handle, struct listener, timer);

    CHECK(uv_timer_init(listener->loop, &listener->timer) == 0);
    uv_close((uv_handle_t *)&listener->timer, on_gone);
}

static void on_close_check(uv_timer_t *timer)
{
    struct listener *listener = container_of(timer, struct listener, timer);

    if (listener->connection_count > 0)
        return;
    h2o_context_dispose(&listener->http);
    uv_close((uv_handle_t *)&listener->timer, on_timer_closed);
}

void listener_close(struct listener *listener)
{
    if (listener == NULL || listener->closing)
        return;
    listener_drain(listener);
    listener->closing = true;
    shut_down(listener, SHUT_RDWR, true);
    CHECK(uv_timer_start(&listener->timer, on_close_check, 0, CLOSE_CHECK_MS) == 0);
}
