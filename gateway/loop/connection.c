#include "gateway/loop/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <utlist.h>

#include "gateway/protocol/codes.h"

#define PIECES_MAX 64 /* more than that per sendmsg() gains nothing */

static void flush(struct connection *connection);

static struct connection *of_socket(h2o_socket_t *socket)
{
    return socket->data;
}

/* ---- counting ---- */

/* After a flush: not once per message. */
static void count_waiting(struct connection *connection)
{
    const size_t bytes = connection->queue.bytes;

    if (bytes == connection->waiting)
        return; /* nothing waits: the usual case */
    metrics_waits(connection->group->metrics, connection->waiting, bytes);
    connection->waiting = (uint32_t)bytes;
}

static void consume(struct connection *connection, size_t bytes)
{
    struct metrics *metrics = connection->group->metrics;
    const uint32_t before = connection->queue.count;

    sendqueue_consume(&connection->queue, bytes);
    metrics_traffic(metrics, connection->format, TRAFFIC_BYTES_SENT, bytes);
    metrics_traffic(metrics, connection->format, TRAFFIC_MESSAGES_SENT,
                    before - connection->queue.count);
}

static void count_received(struct connection *connection, enum traffic traffic, size_t count)
{
    metrics_traffic(connection->group->metrics, connection->format, traffic, count);
}

static size_t waiting_cost(const struct connection *connection)
{
    return sendqueue_cost(&connection->queue) +
           (connection->held != NULL ? sendqueue_cost(connection->held) : 0);
}

/* ---- the end ---- */

static void forget_dirty(struct connection *connection)
{
    if (!connection->is_dirty)
        return;
    DL_DELETE2(connection->group->dirty, connection, prev_dirty, next_dirty);
    connection->is_dirty = false;
}

static void drop_held(struct connection *connection)
{
    if (connection->held == NULL)
        return;
    sendqueue_fini(connection->held);
    free(connection->held);
    connection->held = NULL;
}

void connection_finish(struct connection *connection)
{
    if (connection->state == CONNECTION_GONE)
        return;
    if (connection->state == CONNECTION_OPEN)
        metrics_drop(connection->group->metrics, DROP_GONE, connection->queue.count);
    connection->state = CONNECTION_GONE;
    forget_dirty(connection);
    /* A write that is pending ends with the socket: its bytes are not looked at any more after this
     * call. */
    h2o_socket_close(connection->socket);
    connection->socket = NULL;
    sendqueue_fini(&connection->queue);
    drop_held(connection);
    count_waiting(connection);
    websocket_reader_fini(&connection->reader);
    connection->group->events.on_gone(connection);
}

static void mark_dirty(struct connection *connection)
{
    if (connection->is_dirty)
        return;
    connection->is_dirty = true;
    DL_APPEND2(connection->group->dirty, connection, prev_dirty, next_dirty);
}

static void queue(struct connection *connection, struct frame *frame)
{
    sendqueue_push(&connection->queue, frame);
    mark_dirty(connection);
}

/* Rare: something is published while a connect command is still being answered. */
static void hold_back(struct connection *connection, struct frame *frame)
{
    if (connection->held == NULL)
        connection->held = xcalloc(1, sizeof(*connection->held));
    sendqueue_push(connection->held, frame);
    if (sendqueue_cost(connection->held) > connection->group->queue_max)
        mark_dirty(connection); /* connection_group_flush() tells */
}

void connection_send(struct connection *connection, struct frame *frame)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    if (connection->holds)
        hold_back(connection, frame);
    else
        queue(connection, frame);
}

void connection_hold(struct connection *connection)
{
    connection->holds = true;
}

void connection_drop_held(struct connection *connection)
{
    connection->holds = false;
    drop_held(connection);
}

void connection_go_on(struct connection *connection, struct frame *first)
{
    struct sendqueue *held = connection->held;

    connection->holds = false;
    connection_send(connection, first);
    for (uint32_t i = 0; held != NULL && i < held->count; i++)
        connection_send(connection, sendqueue_at(held, i));
    drop_held(connection);
}

void connection_unfit(struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    connection->unfit = true;
    mark_dirty(connection);
}

/* What waits, but never in the middle of a frame. */
static void drop_waiting(struct connection *connection, int code)
{
    const uint32_t before = connection->queue.count;

    sendqueue_cut(&connection->queue,
                  connection->writing > 0 ? connection->writing : connection->queue.sent > 0);
    metrics_drop(connection->group->metrics,
                 code == DISCONNECT_SLOW.code ? DROP_SLOW : DROP_GONE,
                 before - connection->queue.count);
}

void connection_close(struct connection *connection, int code, const char *reason, bool drop)
{
    struct frame *frame;

    if (connection->state != CONNECTION_OPEN)
        return;
    connection->state = CONNECTION_CLOSING;
    if (!connection->peer_closed)
        metrics_disconnect(connection->group->metrics, code);
    if (drop)
        drop_waiting(connection, code);
    frame = connection->transport->goodbye(connection, code, reason);
    if (frame != NULL)
        queue(connection, frame);
    frame_unref(frame);
    mark_dirty(connection);
}

void connection_refuse(struct connection *connection, int code)
{
    if (connection->state != CONNECTION_OPEN)
        return; /* we closed first */
    connection_close(connection, code, "", false);
    connection->group->events.on_ending(connection);
}

void connection_peer_closed(struct connection *connection, int code)
{
    connection->peer_closed = true;
    connection_refuse(connection, code);
    mark_dirty(connection);
}

void connection_shrink(struct connection *connection)
{
    sendqueue_shrink(&connection->queue);
}

/* ---- sending ---- */

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = of_socket(socket);

    if (error != NULL) {
        connection_finish(connection);
        return;
    }
    consume(connection, connection->writing_bytes);
    connection->writing = connection->writing_bytes = 0;
    connection->blocked = false;
    flush(connection);
    if (!connection->blocked && connection->state != CONNECTION_GONE)
        connection->group->events.on_blocked(connection);
}

/* The kernel would block, or the socket is TLS: libuv waits for it. */
static void write_rest(struct connection *connection)
{
    struct iovec pieces[PIECES_MAX];
    h2o_iovec_t buffers[PIECES_MAX];
    size_t bytes;
    const size_t count = sendqueue_pieces(&connection->queue, pieces, PIECES_MAX, &bytes);

    for (size_t i = 0; i < count; i++)
        buffers[i] = h2o_iovec_init(pieces[i].iov_base, pieces[i].iov_len);
    connection->writing = (uint32_t)count;
    connection->writing_bytes = (uint32_t)bytes;
    connection->blocked = true;
    h2o_socket_write(connection->socket, buffers, count, on_written);
    connection->group->events.on_blocked(connection);
}

/* The single piece, which is the rule, with send(): for sendmsg() the kernel copies and checks
 * header and vector first. */
static ssize_t send_pieces(int fd, struct iovec *pieces, size_t count)
{
    const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    ssize_t sent;

    do
        sent = count == 1 ? send(fd, pieces[0].iov_base, pieces[0].iov_len, flags)
                          : sendmsg(fd, &message, flags);
    while (sent < 0 && errno == EINTR);
    return sent;
}

enum sent { SENT_ALL, SENT_PART, SENT_BROKEN };

static enum sent send_some(struct connection *connection)
{
    struct iovec pieces[PIECES_MAX];
    size_t bytes;
    const size_t count = sendqueue_pieces(&connection->queue, pieces, PIECES_MAX, &bytes);
    const ssize_t sent = send_pieces(h2o_socket_get_fd(connection->socket), pieces, count);

    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
        return SENT_BROKEN;
    if (sent > 0)
        consume(connection, (size_t)sent);
    return sent == (ssize_t)bytes ? SENT_ALL : SENT_PART;
}

/* All is out. After our close frame nothing follows: the peer learns it from the end of the stream,
 * too. */
static void on_drained(struct connection *connection)
{
    if (connection->state != CONNECTION_CLOSING)
        return;
    if (connection->peer_closed)
        connection_finish(connection);
    else
        shutdown(h2o_socket_get_fd(connection->socket), SHUT_WR);
}

static void flush_queue(struct connection *connection)
{
    enum sent sent = SENT_ALL;

    if (connection->writing > 0)
        return;
    while (connection->queue.count > 0 && connection->socket->ssl == NULL &&
           (sent = send_some(connection)) == SENT_ALL) {
    }
    if (sent == SENT_BROKEN)
        connection_finish(connection);
    else if (connection->queue.count > 0)
        write_rest(connection);
    else
        on_drained(connection);
}

static void flush(struct connection *connection)
{
    flush_queue(connection);
    count_waiting(connection);
}

void connection_group_flush(struct connection_group *group)
{
    while (group->dirty != NULL) {
        struct connection *connection = group->dirty;
        forget_dirty(connection);
        flush(connection);
        if (connection->state == CONNECTION_OPEN && connection->unfit)
            group->events.on_unfit(connection);
        if (connection->state == CONNECTION_OPEN && waiting_cost(connection) > group->queue_max)
            group->events.on_slow(connection); /* makes it dirty again, with less to send */
    }
}

/* ---- reading ---- */

bool connection_take(struct connection *connection, struct text message)
{
    count_received(connection, TRAFFIC_MESSAGES_RECEIVED, 1);
    if (connection->state == CONNECTION_OPEN)
        connection->group->events.on_message(connection, message);
    return connection->state == CONNECTION_OPEN ||
           (connection->state == CONNECTION_CLOSING && !connection->peer_closed);
}

void connection_pass(struct connection *connection, struct text message)
{
    count_received(connection, TRAFFIC_MESSAGES_RECEIVED, 1);
    count_received(connection, TRAFFIC_BYTES_RECEIVED, message.len);
    if (connection->state == CONNECTION_OPEN)
        connection->group->events.on_message(connection, message);
}

/* An idle connection has no input buffer: libh2o takes one from its pool when something comes. */
static void free_input(h2o_socket_t *socket)
{
    h2o_buffer_consume(&socket->input, socket->input->size);
    h2o_buffer_dispose(&socket->input);
    h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
}

static void read_input(struct connection *connection)
{
    h2o_buffer_t *input = connection->socket->input;

    count_received(connection, TRAFFIC_BYTES_RECEIVED, input->size);
    connection->transport->read(connection, input->bytes, input->size);
    free_input(connection->socket);
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = of_socket(socket);

    if (error != NULL)
        connection_finish(connection);
    else if (socket->input->size > 0)
        read_input(connection);
}

void connection_open(struct connection *connection, struct connection_group *group,
                     h2o_socket_t *socket, size_t request_bytes)
{
    connection->group = group;
    connection->socket = socket;
    socket->data = connection;
    h2o_buffer_consume(&socket->input, request_bytes);
    if (socket->input->size > 0)
        read_input(connection); /* frames that came along with the handshake */
    else
        free_input(socket);
    h2o_socket_read_start(socket, on_read);
}
