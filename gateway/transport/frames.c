#include "gateway/transport/frames.h"

static void answer_ping(struct connection *connection, struct text payload)
{
    struct frame *frame = frame_control(WEBSOCKET_PONG, payload);

    connection_send(connection, frame);
    frame_unref(frame);
}

static bool on_frame(void *context, enum websocket_opcode opcode, int code, struct text payload)
{
    struct connection *connection = context;

    switch (opcode) {
    case WEBSOCKET_PING:
        answer_ping(connection, payload);
        break;
    case WEBSOCKET_PONG:
        if (connection->state == CONNECTION_OPEN)
            connection->group->events.on_pong(connection);
        break;
    case WEBSOCKET_CLOSE:
        connection_peer_closed(connection, code);
        break;
    default:
        return connection_take(connection, payload);
    }
    return connection->state == CONNECTION_OPEN ||
           (connection->state == CONNECTION_CLOSING && !connection->peer_closed);
}

static void read_frames(struct connection *connection, char *bytes, size_t len)
{
    const int code = websocket_read(&connection->reader, bytes, len, on_frame, connection);

    if (code != 0)
        connection_refuse(connection, code);
}

/* A unidirectional client hears of its end in a push, too. */
static struct frame *push_and_close(enum format format, int code, const char *reason)
{
    struct buf out = {0};

    frame_begin(&out);
    FORMATS[format].codec->push_disconnect(&out, code, text(reason));
    struct frame *push = frame_end(&out, format), *close = frame_close(code, reason);
    buf_add_text(&out, frame_bytes(push));
    buf_add_text(&out, frame_bytes(close));
    struct frame *both = frame_raw(buf_text(&out));
    buf_fini(&out);
    frame_unref(push);
    frame_unref(close);
    return both;
}

/* 3000 means that the connection just ends, unless the peer has said so. */
static struct frame *say_goodbye(const struct connection *connection, int code, const char *reason)
{
    const enum format format = (enum format)connection->format;

    if (code == DISCONNECT_CLOSED.code && !connection->peer_closed)
        return NULL;
    if (FORMATS[format].codec->unidirectional && code > DISCONNECT_CLOSED.code &&
        !connection->peer_closed)
        return push_and_close(format, code, reason);
    return frame_close(code, reason);
}

const struct transport TRANSPORT_FRAMES = {read_frames, say_goodbye};
