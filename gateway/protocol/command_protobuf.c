/*
 * Commands out of Protobuf. Where the format leaves a choice to the reader, the narrow one is
 * taken, so that nobody behind or before us can understand a command in another way: a submessage
 * that stands twice, which others would merge, a number beyond its type, which others would cut,
 * and text that is no UTF-8 are not decodable. Of numbers and texts that stand twice the last
 * counts.
 */
#include "base/utf8.h"
#include "gateway/protocol/command_fields.h"
#include "gateway/protocol/protobuf.h"

bool command_cut_protobuf(struct text *frame, struct text *command)
{
    uint64_t len;

    if (!protobuf_varint(frame, &len) || len > frame->len)
        return false;
    *command = text_of(frame->at, (size_t)len);
    *frame = text_after(*frame, (size_t)len);
    return true;
}

/* ---- values: false = not decodable ---- */

static bool take_string(struct text bytes, struct text *out)
{
    *out = bytes;
    return utf8_valid(bytes) && (bytes.len == 0 || memchr(bytes.at, '\0', bytes.len) == NULL);
}

/* What was found is never NULL, even when it is empty. */
static bool take_once(struct text bytes, struct text *out)
{
    if (out->at != NULL)
        return false;
    *out = bytes;
    return true;
}

/* Negative ones come as 64 bits too. */
static bool take_i32(uint64_t number, int32_t *out)
{
    const int64_t value = (int64_t)number;
    *out = (int32_t)value;
    return value >= INT32_MIN && value <= INT32_MAX;
}

/* One entry of a map: key 1, value 2. */
static bool read_entry(struct text message, struct text *key, struct text *value)
{
    struct protobuf_field field;
    int found;

    while ((found = protobuf_next(&message, &field)) > 0) {
        if (field.number != 1 && field.number != 2)
            continue;
        if (field.type != PROTOBUF_BYTES)
            return false;
        if (field.number == 1 ? !take_string(field.bytes, key) : !take_once(field.bytes, value))
            return false;
    }
    return found == 0;
}

/* ---- fields ---- */

static bool read_fields(struct command_memory *memory, struct text message,
                        struct command_fields fields, void *into);

static bool add_position(struct command_memory *memory, struct text entry)
{
    struct command_position position = {0};
    struct text value = {0};

    if (memory->positions.len == COMMAND_POSITIONS_MAX * sizeof(position) ||
        !read_entry(entry, &position.channel, &value) ||
        !read_fields(memory, value, COMMAND_POSITION, &position))
        return false;
    buf_add(&memory->positions, &position, sizeof(position));
    return true;
}

static bool add_header(struct command_memory *memory, struct text entry)
{
    struct command_header header = {0};
    struct text value = {0};

    if (memory->headers.len == COMMAND_HEADERS_MAX * sizeof(header) ||
        !read_entry(entry, &header.name, &value) || !take_string(value, &header.value))
        return false;
    buf_add(&memory->headers, &header, sizeof(header));
    return true;
}

static bool read_since(struct command_memory *memory, struct text message, struct command *command)
{
    if (command->has_since)
        return false;
    command->has_since = true;
    return read_fields(memory, message, COMMAND_SINCE, command);
}

static bool is_number(enum field_kind kind)
{
    return kind == FIELD_BOOL || kind == FIELD_U64 || kind == FIELD_I64 || kind == FIELD_I32;
}

static bool read_field(struct command_memory *memory, const struct protobuf_field *field,
                       const struct command_field *known, void *into)
{
    void *member = (char *)into + known->at;

    if (field->type != (is_number(known->kind) ? PROTOBUF_VARINT : PROTOBUF_BYTES))
        return false;
    switch (known->kind) {
    case FIELD_STRING:
        return take_string(field->bytes, member);
    case FIELD_PAYLOAD:
    case FIELD_BLOB:
        *(struct text *)member = field->bytes;
        return true;
    case FIELD_OBJECT:
        return take_once(field->bytes, member);
    case FIELD_BOOL:
        *(bool *)member = field->value != 0;
        return true;
    case FIELD_U64:
        *(uint64_t *)member = field->value;
        return true;
    case FIELD_I64:
        *(int64_t *)member = (int64_t)field->value;
        return true;
    case FIELD_I32:
        return take_i32(field->value, member);
    case FIELD_SINCE:
        return read_since(memory, field->bytes, into);
    case FIELD_SUBS:
        return add_position(memory, field->bytes);
    case FIELD_HEADERS:
        return add_header(memory, field->bytes);
    }
    return false;
}

static const struct command_field *find_field(struct command_fields fields, uint32_t number)
{
    for (size_t i = 0; i < fields.count; i++)
        if (fields.fields[i].number == number)
            return &fields.fields[i];
    return NULL;
}

/* Messages nest by the tables alone, so the depth is theirs, at most three. */
static bool read_fields(struct command_memory *memory, struct text message,
                        struct command_fields fields, void *into)
{
    struct protobuf_field field;
    int found;

    while ((found = protobuf_next(&message, &field)) > 0) {
        const struct command_field *known = find_field(fields, field.number);
        if (known != NULL && !read_field(memory, &field, known, into))
            return false;
    }
    return found == 0;
}

/* ---- commands ---- */

static int find_request(uint32_t number)
{
    for (int i = 0; i < COMMAND_REQUEST_COUNT; i++)
        if (COMMAND_REQUESTS[i].number == number)
            return i;
    return -1;
}

/* Reads the id and finds the requests' bytes; those that are not there stay NULL. */
static bool read_envelope(struct text message, struct command *command,
                          struct text requests[COMMAND_REQUEST_COUNT])
{
    struct protobuf_field field;
    int found;

    while ((found = protobuf_next(&message, &field)) > 0) {
        const int i = find_request(field.number);
        if (i >= 0) {
            if (field.type != PROTOBUF_BYTES || !take_once(field.bytes, &requests[i]))
                return false;
        } else if (field.number == COMMAND_NUMBER_ID) {
            if (field.type != PROTOBUF_VARINT || field.value > UINT32_MAX)
                return false;
            command->id = (uint32_t)field.value;
        }
    }
    return found == 0;
}

bool command_parse_protobuf(struct command_memory *memory, struct text bytes,
                            struct command *command)
{
    struct text requests[COMMAND_REQUEST_COUNT] = {0};

    if (!read_envelope(bytes, command, requests))
        return false;
    command->kind = command->id == 0 ? COMMAND_PONG : COMMAND_UNKNOWN;
    for (size_t i = 0; i < COMMAND_REQUEST_COUNT; i++) {
        const struct command_request *request = &COMMAND_REQUESTS[i];
        if (requests[i].at == NULL || !command_counts(request, command->id))
            continue;
        command->kind = request->kind;
        if (!read_fields(memory, requests[i], request->fields, command))
            return false;
        break;
    }
    command_take_lists(command, memory);
    return true;
}

bool command_parse_emulation_protobuf(struct text bytes, struct emulation *request)
{
    struct command_memory none = {0}; /* it has no lists */

    return read_fields(&none, bytes, COMMAND_EMULATION, request);
}
