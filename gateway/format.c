#include "gateway/format.h"

/* clang-format off: a table reads best with a row a line */
const struct format_row FORMATS[FORMAT_COUNT] = {
    [FORMAT_WEBSOCKET_JSON] = {&CODEC_JSON, FRAMING_TEXT, .transport = "websocket"},
    [FORMAT_WEBSOCKET_PROTOBUF] = {&CODEC_PROTOBUF, FRAMING_BINARY, .transport = "websocket"},
    [FORMAT_WEBSOCKET_JSON_DEFLATE] = {&CODEC_JSON, FRAMING_TEXT, .is_deflated = true, .transport = "websocket"},
    [FORMAT_WEBSOCKET_PROTOBUF_DEFLATE] = {&CODEC_PROTOBUF, FRAMING_BINARY, .is_deflated = true, .transport = "websocket"},
    [FORMAT_STREAM_JSON] = {&CODEC_JSON, FRAMING_LINE, .is_emulated = true, .transport = "http_stream"},
    [FORMAT_STREAM_PROTOBUF] = {&CODEC_PROTOBUF, FRAMING_NONE, .is_emulated = true, .transport = "http_stream"},
    [FORMAT_SSE] = {&CODEC_JSON, FRAMING_EVENT, .is_emulated = true, .transport = "sse"},
    [FORMAT_UNI_WEBSOCKET] = {&CODEC_JSON_UNIDIRECTIONAL, FRAMING_TEXT, .transport = "uni_websocket"},
    [FORMAT_UNI_WEBSOCKET_DEFLATE] = {&CODEC_JSON_UNIDIRECTIONAL, FRAMING_TEXT, .is_deflated = true, .transport = "uni_websocket"},
    [FORMAT_UNI_STREAM] = {&CODEC_JSON_UNIDIRECTIONAL, FRAMING_LINE, .transport = "uni_http_stream"},
    [FORMAT_UNI_SSE] = {&CODEC_JSON_UNIDIRECTIONAL, FRAMING_EVENT, .transport = "uni_sse"},
};
/* clang-format on */
