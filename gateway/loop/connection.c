#include "gateway/loop/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <utlist.h>

#define PIECES_MAX 64 /* more than that per sendmsg() gains nothing */

static void flush(struct connection *connection);

static struct connection *of_socket(h2o_socket_t *socket)
{
    return socket->data;
}

/* ---- the end ---- */

static void forget_dirty(struct connection *connection)
{
    if (!connection->is_dirty)
        return;
    DL_DELETE2(connection->group->dirty, connection, prev_dirty, next_dirty);
    connection->is_dirty = false;
}

void connection_finish(struct connection *connection)
{
    if (connection->state == CONNECTION_GONE)
        return;
    connection->state = CONNECTION_GONE;
    forget_dirty(connection);
    /* A write that is pending ends with the socket: its bytes are not looked at any more after this
     * call. */
    h2o_socket_close(connection->socket);
    connection->socket = NULL;
    sendqueue_fini(&connection->queue);
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

void connection_send(struct connection *connection, struct frame *frame)
{
    if (connection->state == CONNECTION_OPEN)
        queue(connection, frame);
}

void connection_close(struct connection *connection, int code, const char *reason, bool drop)
{
    struct frame *frame;

    if (connection->state != CONNECTION_OPEN)
        return;
    connection->state = CONNECTION_CLOSING;
    if (drop) /* but never in the middle of a frame */
        sendqueue_cut(&connection->queue,
                      connection->writing > 0 ? connection->writing : connection->queue.sent > 0);
    frame = frame_close(code, reason);
    queue(connection, frame);
    frame_unref(frame);
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
    sendqueue_consume(&connection->queue, connection->writing_bytes);
    connection->writing = connection->writing_bytes = 0;
    flush(connection);
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
    h2o_socket_write(connection->socket, buffers, count, on_written);
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
        sendqueue_consume(&connection->queue, (size_t)sent);
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

static void flush(struct connection *connection)
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

void connection_group_flush(struct connection_group *group)
{
    while (group->dirty != NULL) {
        struct connection *connection = group->dirty;
        forget_dirty(connection);
        flush(connection);
        if (connection->state == CONNECTION_OPEN &&
            sendqueue_cost(&connection->queue) > group->queue_max)
            group->events.on_slow(connection); /* makes it dirty again, with less to send */
    }
}

/* ---- reading ---- */

static void end_for_peer(struct connection *connection, int code)
{
    if (connection->state != CONNECTION_OPEN)
        return; /* we closed first */
    connection_close(connection, code, "", false);
    connection->group->events.on_ending(connection);
}

static void on_control(struct connection *connection, enum websocket_opcode opcode, int code,
                       struct text payload)
{
    struct frame *frame;

    if (opcode == WEBSOCKET_PING && connection->state == CONNECTION_OPEN) {
        frame = frame_create(WEBSOCKET_PONG, payload);
        queue(connection, frame);
        frame_unref(frame);
    }
    if (opcode == WEBSOCKET_CLOSE) {
        connection->peer_closed = true;
        end_for_peer(connection, code);
        mark_dirty(connection);
    }
}

static bool on_message(void *context, enum websocket_opcode opcode, int code, struct text payload)
{
    struct connection *connection = context;

    if (opcode >= WEBSOCKET_CLOSE)
        on_control(connection, opcode, code, payload);
    else if (connection->state == CONNECTION_OPEN)
        connection->group->events.on_message(connection, payload);
    return connection->state == CONNECTION_OPEN ||
           (connection->state == CONNECTION_CLOSING && !connection->peer_closed);
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
    int code;

    code = websocket_read(&connection->reader, input->bytes, input->size, on_message, connection);
    if (code != 0)
        end_for_peer(connection, code);
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
    websocket_reader_init(&connection->reader, group->message_max);
    socket->data = connection;
    h2o_buffer_consume(&socket->input, request_bytes);
    if (socket->input->size > 0)
        read_input(connection); /* frames that came along with the handshake */
    else
        free_input(socket);
    h2o_socket_read_start(socket, on_read);
}
