/*
 * api_stream: several commands in one body, as older libraries send them to the API's bare path:
 * {"id","method","params"} objects with whitespace, or nothing, between. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/json.h"
#include "gateway/api/methods.h"

struct api_stream_command {
    struct json json;
    uint32_t id;                     /* 0: none */
    const struct api_method *method; /* NULL: there is none of that name or number */
    struct json_value params;
};

struct api_stream {
    struct api_stream_command *commands; /* in the arena */
    size_t count;
};

/* False: not such a stream, none or more than API_COMMANDS_MAX. api_stream_fini() always. */
MUST_CHECK bool api_stream_read(struct api_stream *stream, struct arena *arena, struct text body,
                                int tokens_max);
void api_stream_fini(struct api_stream *stream);
