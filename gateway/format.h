/*
 * format: the ways in which a publication can leave: which codec writes it, and what a transport
 * puts around the bytes. A frame is encoded at most once per format. Any thread.
 */
#pragma once

#include "gateway/protocol/reply.h"

enum format {
    FORMAT_WEBSOCKET_JSON,
    FORMAT_WEBSOCKET_PROTOBUF,
    FORMAT_WEBSOCKET_JSON_DEFLATE,
    FORMAT_WEBSOCKET_PROTOBUF_DEFLATE,
    FORMAT_STREAM_JSON,
    FORMAT_STREAM_PROTOBUF,
    FORMAT_SSE,
    FORMAT_UNI_WEBSOCKET,
    FORMAT_UNI_WEBSOCKET_DEFLATE,
    FORMAT_UNI_STREAM,
    FORMAT_UNI_SSE,
    FORMAT_COUNT,
};

/* What stands around a message's bytes. The last three are chunks of an HTTP answer. */
enum framing {
    FRAMING_TEXT,   /* a WebSocket frame, text */
    FRAMING_BINARY, /* a WebSocket frame, binary */
    FRAMING_LINE,   /* '\n' behind it */
    FRAMING_NONE,   /* Protobuf has its length */
    FRAMING_EVENT,  /* "data: " before it, an empty line behind it */
};

struct format_row {
    const struct codec *codec;
    enum framing framing;
    bool is_deflated;      /* larger messages are compressed (RFC 7692) */
    bool is_emulated;      /* commands come through POST /emulation */
    const char *transport; /* as proxies are told */
};
extern const struct format_row FORMATS[FORMAT_COUNT];
