/*
 * Commands in. A command is one line: its JSON is parsed, the one request in it is found, and the
 * members that we know are copied into a `struct command`. Texts point into the line, or into
 * `unescaped` when they held escapes.
 */
#include "gateway/protocol/protocol.h"

struct reader {
    struct buf unescaped; /* as long as the line from the first escape on, so that it never moves */
    struct buf word;      /* one text while it is being unescaped */
    size_t line_len;
};

/* ---- members: each is left alone when absent or null (as for Centrifugo), false = wrong type ----
 */

static bool is_given(struct json_value value)
{
    return json_kind(value) != JSON_NONE && json_kind(value) != JSON_NULL;
}

static bool read_text(struct reader *reader, struct json_value object, const char *name,
                      struct text *out)
{
    const struct json_value value = json_get(object, name);
    if (!is_given(value))
        return true;
    if (json_kind(value) != JSON_STRING)
        return false;

    const struct text raw = json_raw(value);
    if (memchr(raw.at, '\\', raw.len) == NULL) {
        *out = text_of(raw.at + 1, raw.len - 2); /* without its quotes */
        return true;
    }
    buf_reset(&reader->word);
    if (!json_to_text(value, &reader->word))
        return false;
    if (reader->unescaped.len == 0)
        buf_reserve(&reader->unescaped, reader->line_len);
    /* No text grows by unescaping, and all come out of one line. */
    CHECK(reader->word.len <= reader->unescaped.cap - reader->unescaped.len);
    *out = text_of(reader->unescaped.at + reader->unescaped.len, reader->word.len);
    buf_add_text(&reader->unescaped, buf_text(&reader->word));
    return true;
}

static bool read_raw(struct json_value object, const char *name, struct text *out)
{
    const struct json_value value = json_get(object, name);
    if (is_given(value))
        *out = json_raw(value);
    return true;
}

static bool read_bool(struct json_value object, const char *name, bool *out)
{
    const struct json_value value = json_get(object, name);
    return !is_given(value) || json_to_bool(value, out);
}

static bool read_i64(struct json_value object, const char *name, int64_t *out)
{
    const struct json_value value = json_get(object, name);
    return !is_given(value) || json_to_i64(value, out);
}

/* A whole number from 0 to `max`. */
static bool read_u64(struct json_value object, const char *name, uint64_t max, uint64_t *out)
{
    const struct json_value value = json_get(object, name);
    if (!is_given(value))
        return true;
    if (json_kind(value) != JSON_NUMBER)
        return false;

    const struct text digits = json_raw(value);
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        const unsigned digit = (unsigned char)digits.at[i] - (unsigned)'0';
        if (digit > 9 || number > (max - digit) / 10)
            return false; /* a sign, a fraction, an exponent; or too much */
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

/* ---- requests ---- */

static bool read_connect(struct reader *reader, struct json_value from, struct command *command)
{
    const struct json_value subs = json_get(from, "subs");
    if (is_given(subs)) {
        if (json_kind(subs) != JSON_OBJECT)
            return false;
        command->subs = subs;
    }
    return read_text(reader, from, "token", &command->token) &&
           read_raw(from, "data", &command->data) &&
           read_text(reader, from, "name", &command->name) &&
           read_text(reader, from, "version", &command->version);
}

static bool read_nothing(struct reader *reader, struct json_value from, struct command *command)
{
    return true;
}

static bool read_channel(struct reader *reader, struct json_value from, struct command *command)
{
    return read_text(reader, from, "channel", &command->channel);
}

static bool read_subscribe(struct reader *reader, struct json_value from, struct command *command)
{
    return read_channel(reader, from, command) &&
           read_text(reader, from, "token", &command->token) &&
           read_bool(from, "recover", &command->recover) &&
           read_text(reader, from, "epoch", &command->epoch) &&
           read_u64(from, "offset", UINT64_MAX, &command->offset) &&
           read_raw(from, "data", &command->data) &&
           read_bool(from, "positioned", &command->positioned) &&
           read_bool(from, "recoverable", &command->recoverable) &&
           read_bool(from, "join_leave", &command->join_leave) &&
           read_i64(from, "flag", &command->flag);
}

static bool read_publish(struct reader *reader, struct json_value from, struct command *command)
{
    return read_channel(reader, from, command) && read_raw(from, "data", &command->data);
}

static bool read_history(struct reader *reader, struct json_value from, struct command *command)
{
    const struct json_value since = json_get(from, "since");
    int64_t limit = 0;

    if (is_given(since)) {
        if (json_kind(since) != JSON_OBJECT ||
            !read_u64(since, "offset", UINT64_MAX, &command->offset) ||
            !read_text(reader, since, "epoch", &command->epoch))
            return false;
        command->has_since = true;
    }
    if (!read_i64(from, "limit", &limit) || limit < INT32_MIN || limit > INT32_MAX)
        return false;
    command->limit = (int32_t)limit;
    return read_channel(reader, from, command) && read_bool(from, "reverse", &command->reverse);
}

static bool read_rpc(struct reader *reader, struct json_value from, struct command *command)
{
    return read_raw(from, "data", &command->data) &&
           read_text(reader, from, "method", &command->method);
}

static bool read_send(struct reader *reader, struct json_value from, struct command *command)
{
    return read_raw(from, "data", &command->data);
}

static bool read_refresh(struct reader *reader, struct json_value from, struct command *command)
{
    return read_text(reader, from, "token", &command->token);
}

static bool read_sub_refresh(struct reader *reader, struct json_value from, struct command *command)
{
    return read_channel(reader, from, command) && read_refresh(reader, from, command);
}

static const struct request {
    const char *member;
    enum command_kind kind;
    bool (*read)(struct reader *reader, struct json_value from, struct command *command);
} requests[] = {
    /* The order in which a command with several is read, as Centrifugo does. */
    {"connect", COMMAND_CONNECT, read_connect},
    {"ping", COMMAND_PING, read_nothing},
    {"subscribe", COMMAND_SUBSCRIBE, read_subscribe},
    {"unsubscribe", COMMAND_UNSUBSCRIBE, read_channel},
    {"publish", COMMAND_PUBLISH, read_publish},
    {"presence", COMMAND_PRESENCE, read_channel},
    {"presence_stats", COMMAND_PRESENCE_STATS, read_channel},
    {"history", COMMAND_HISTORY, read_history},
    {"rpc", COMMAND_RPC, read_rpc},
    {"send", COMMAND_SEND, read_send},
    {"refresh", COMMAND_REFRESH, read_refresh},
    {"sub_refresh", COMMAND_SUB_REFRESH, read_sub_refresh},
};

/* ---- commands ---- */

static bool read_request(struct reader *reader, struct json_value root, struct command *command)
{
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        const struct request *request = &requests[i];
        const struct json_value from = json_get(root, request->member);
        /* Without an id nothing could be answered: such a command is a send or a pong. */
        if (!is_given(from) || (command->id == 0 && request->kind != COMMAND_SEND))
            continue;
        command->kind = request->kind;
        return json_kind(from) == JSON_OBJECT && request->read(reader, from, command);
    }
    command->kind = command->id == 0 ? COMMAND_PONG : COMMAND_UNKNOWN;
    return true;
}

static bool read_command(struct reader *reader, const struct json *json, struct command *command)
{
    const struct json_value root = json_root(json);
    uint64_t id = 0;

    if (json_kind(root) != JSON_OBJECT || !read_u64(root, "id", UINT32_MAX, &id))
        return false;
    command->id = (uint32_t)id;
    buf_reset(&reader->unescaped);
    return read_request(reader, root, command);
}

enum line { LINE_DONE, LINE_BAD, LINE_STOP };

static enum line read_line(struct reader *reader, struct text line,
                           bool (*each)(void *context, const struct command *command),
                           void *context)
{
    struct command command = {0};
    struct json json;
    enum line outcome = LINE_BAD;

    reader->line_len = line.len;
    if (json_parse(&json, line) == ERR_OK && read_command(reader, &json, &command))
        outcome = each(context, &command) ? LINE_DONE : LINE_STOP;
    json_fini(&json);
    return outcome;
}

bool protocol_read(struct text frame, bool (*each)(void *context, const struct command *command),
                   void *context)
{
    struct reader reader = {0};
    enum line outcome = LINE_BAD; /* an empty frame */

    while (frame.len > 0) {
        const char *end = memchr(frame.at, '\n', frame.len);
        const size_t line_len = end != NULL ? (size_t)(end - frame.at) : frame.len;
        outcome = read_line(&reader, text_of(frame.at, line_len), each, context);
        if (outcome != LINE_DONE)
            break;
        frame = text_after(frame, line_len + (end != NULL));
    }
    buf_fini(&reader.unescaped);
    buf_fini(&reader.word);
    return outcome != LINE_BAD;
}
