/*
 * Commands out of JSON. A command is one line: it is parsed, the one request in it is found, and
 * the members that we know are copied out. Texts point into the line, or into the memory when they
 * held escapes. A member that is null is absent, as it is for Centrifugo.
 */
#include "base/json.h"
#include "gateway/protocol/command_fields.h"

#define TOKENS_MAX 262144 /* values in one command: its data may be a long list of small numbers */

bool command_cut_json(struct text *frame, struct text *command)
{
    if (frame->len == 0)
        return false;
    const char *end = memchr(frame->at, '\n', frame->len);
    const size_t len = end != NULL ? (size_t)(end - frame->at) : frame->len;
    *command = text_of(frame->at, len);
    *frame = text_after(*frame, len + (end != NULL));
    return len > 0;
}

/* ---- values: false = wrong type ---- */

/* `raw` is what stands between the quotes. */
static struct text unescape(struct command_memory *memory, struct text raw)
{
    if (raw.len == 0 || memchr(raw.at, '\\', raw.len) == NULL)
        return raw;
    buf_reset(&memory->word);
    json_unescape(raw, &memory->word);
    if (memory->unescaped.len == 0)
        buf_reserve(&memory->unescaped, memory->bytes_len);
    /* No text grows by unescaping, and each is taken out of the line once. */
    CHECK(memory->word.len <= memory->unescaped.cap - memory->unescaped.len);
    buf_add_text(&memory->unescaped, buf_text(&memory->word));
    return text_of(memory->unescaped.at + memory->unescaped.len - memory->word.len,
                   memory->word.len);
}

static bool read_string(struct command_memory *memory, struct json_value value, struct text *out)
{
    if (json_kind(value) != JSON_STRING)
        return false;
    const struct text raw = json_raw(value);
    *out = unescape(memory, text_of(raw.at + 1, raw.len - 2)); /* without its quotes */
    return true;
}

/* A whole number from 0 to `max`. */
static bool read_unsigned(struct json_value value, uint64_t max, uint64_t *out)
{
    return json_to_u64(value, out) && *out <= max;
}

static bool read_i32(struct json_value value, int32_t *out)
{
    int64_t number;
    if (!json_to_i64(value, &number) || number < INT32_MIN || number > INT32_MAX)
        return false;
    *out = (int32_t)number;
    return true;
}

/* ---- fields ---- */

static bool read_fields(struct command_memory *memory, struct json_value object,
                        struct command_fields fields, void *into);

static bool read_subs(struct command_memory *memory, struct json_value subs)
{
    if (json_kind(subs) != JSON_OBJECT || json_size(subs) > COMMAND_POSITIONS_MAX)
        return false;
    for (struct json_iter it = json_iter(subs); json_next(&it);) {
        struct command_position position = {.channel = unescape(memory, it.key)};
        if (!json_is_given(it.value))
            continue;
        if (!read_fields(memory, it.value, COMMAND_POSITION, &position))
            return false;
        buf_add(&memory->positions, &position, sizeof(position));
    }
    return true;
}

static bool read_headers(struct command_memory *memory, struct json_value headers)
{
    if (json_kind(headers) != JSON_OBJECT || json_size(headers) > COMMAND_HEADERS_MAX)
        return false;
    for (struct json_iter it = json_iter(headers); json_next(&it);) {
        struct command_header header = {.name = unescape(memory, it.key)};
        if (!json_is_given(it.value))
            continue;
        if (!read_string(memory, it.value, &header.value))
            return false;
        buf_add(&memory->headers, &header, sizeof(header));
    }
    return true;
}

static bool read_since(struct command_memory *memory, struct json_value since,
                       struct command *command)
{
    command->has_since = true;
    return read_fields(memory, since, COMMAND_SINCE, command);
}

static bool read_field(struct command_memory *memory, struct json_value value,
                       const struct command_field *field, void *into)
{
    void *member = (char *)into + field->at;

    switch (field->kind) {
    case FIELD_STRING:
    case FIELD_BLOB:
        return read_string(memory, value, member);
    case FIELD_PAYLOAD:
        *(struct text *)member = json_raw(value);
        return true;
    case FIELD_OBJECT:
        *(struct text *)member = json_raw(value);
        return json_kind(value) == JSON_OBJECT;
    case FIELD_BOOL:
        return json_to_bool(value, member);
    case FIELD_U64:
        return read_unsigned(value, UINT64_MAX, member);
    case FIELD_I64:
        return json_to_i64(value, member);
    case FIELD_I32:
        return read_i32(value, member);
    case FIELD_SINCE:
        return read_since(memory, value, into);
    case FIELD_SUBS:
        return read_subs(memory, value);
    case FIELD_HEADERS:
        return read_headers(memory, value);
    }
    return false;
}

static bool read_fields(struct command_memory *memory, struct json_value object,
                        struct command_fields fields, void *into)
{
    if (json_kind(object) != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < fields.count; i++) {
        const struct json_value value = json_get(object, fields.fields[i].name);
        if (json_is_given(value) && !read_field(memory, value, &fields.fields[i], into))
            return false;
    }
    return true;
}

/* ---- commands ---- */

static bool read_request(struct command_memory *memory, struct json_value root,
                         struct command *command)
{
    for (size_t i = 0; i < COMMAND_REQUEST_COUNT; i++) {
        const struct command_request *request = &COMMAND_REQUESTS[i];
        const struct json_value from = json_get(root, request->name);
        if (!json_is_given(from) || !command_counts(request, command->id))
            continue;
        command->kind = request->kind;
        return read_fields(memory, from, request->fields, command);
    }
    command->kind = command->id == 0 ? COMMAND_PONG : COMMAND_UNKNOWN;
    return true;
}

static bool read_command(struct command_memory *memory, struct json_value root,
                         struct command *command)
{
    uint64_t id = 0;

    if (json_kind(root) != JSON_OBJECT)
        return false;
    const struct json_value value = json_get(root, "id");
    if (json_is_given(value) && !read_unsigned(value, UINT32_MAX, &id))
        return false;
    command->id = (uint32_t)id;
    return read_request(memory, root, command);
}

bool command_parse_json(struct command_memory *memory, struct text bytes, struct command *command)
{
    struct json json;

    const bool decodable =
        json_parse_up_to(&json, bytes, TOKENS_MAX) == ERR_OK && read_command(memory, json_root(&json), command);
    json_fini(&json);
    command_take_lists(command, memory);
    return decodable;
}

bool command_parse_connect(struct command_memory *memory, struct text bytes,
                           struct command *command)
{
    struct json json;

    command->kind = COMMAND_CONNECT;
    const bool decodable =
        json_parse_up_to(&json, bytes, TOKENS_MAX) == ERR_OK &&
        read_fields(memory, json_root(&json), COMMAND_REQUESTS[0].fields, command);
    json_fini(&json);
    command_take_lists(command, memory);
    return decodable;
}

bool command_parse_emulation_json(struct command_memory *memory, struct text bytes,
                                  struct emulation *request)
{
    struct json json;

    const bool decodable = json_parse_up_to(&json, bytes, TOKENS_MAX) == ERR_OK &&
                           read_fields(memory, json_root(&json), COMMAND_EMULATION, request);
    json_fini(&json);
    return decodable;
}
