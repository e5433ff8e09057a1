#include "gateway/api/api_stream.h"

#include "gateway/api/api_command.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct text skip_space(struct text body)
{
    while (body.len > 0 && is_space(body.at[0]))
        body = text_after(body, 1);
    return body;
}

/* The length of the object at the front, brackets counted outside of strings; 0: it has no end.
 * That it is JSON is seen later. */
static size_t object_length(struct text body)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < body.len; i++) {
        const char byte = body.at[i];
        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '['))
            depth++;
        else if (!in_string && (byte == '}' || byte == ']') && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* Cuts the next one off; false: there is none, or it has no end (`body` is not empty then). */
static bool cut(struct text *body, struct text *object)
{
    *body = skip_space(*body);
    if (body->len == 0 || body->at[0] != '{')
        return false;
    const size_t len = object_length(*body);
    *object = text_of(body->at, len);
    *body = text_after(*body, len);
    return len > 0;
}

static size_t count_objects(struct text body)
{
    struct text object;
    size_t count = 0;

    while (cut(&body, &object))
        count++;
    return body.len == 0 ? count : 0;
}

/* By name or number; without either it is the first, which publishes. */
static bool read_method(struct json_value value, const struct api_method **out)
{
    struct buf name = {0};
    uint64_t number = 0;

    switch (json_kind(value)) {
    case JSON_STRING:
        json_to_text(value, &name);
        *out = methods_find_any_case(buf_text(&name));
        buf_fini(&name);
        return true;
    case JSON_NUMBER:
        if (!json_to_u64(value, &number))
            return false;
        break;
    case JSON_NONE:
    case JSON_NULL:
        break;
    default:
        return false;
    }
    *out = methods_numbered(number);
    return true;
}

static bool read_command(struct api_stream_command *command, struct arena *arena,
                         struct text object, int tokens_max)
{
    if (json_parse_up_to(&command->json, object, tokens_max) != ERR_OK)
        return false;
    struct api_params params = api_params(arena, json_root(&command->json));
    const uint64_t id = api_params_u64(&params, "id");
    command->id = (uint32_t)id;
    command->params = json_get(params.object, "params");
    return params.wrong == NULL && id <= UINT32_MAX &&
           read_method(json_get(params.object, "method"), &command->method);
}

bool api_stream_read(struct api_stream *stream, struct arena *arena, struct text body,
                     int tokens_max)
{
    const size_t count = count_objects(body);
    struct text object;

    *stream = (struct api_stream){0};
    if (count == 0 || count > API_COMMANDS_MAX)
        return false;
    stream->commands = arena_alloc(arena, count * sizeof(*stream->commands));
    while (cut(&body, &object)) {
        struct api_stream_command *command = &stream->commands[stream->count++];
        if (!read_command(command, arena, object, tokens_max))
            return false;
        tokens_max -= command->json.count;
    }
    return true;
}

void api_stream_fini(struct api_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++)
        json_fini(&stream->commands[i].json);
}
