/*
 * What both formats have in common: the tables of requests, and the memory of one command.
 */
#include "gateway/protocol/command.h"

#include "gateway/protocol/command_fields.h"

/* ---- tables ---- */

#define OF_COMMAND(name, number, kind, member)                                                     \
    {name, number, kind, offsetof(struct command, member)}
#define OF_POSITION(name, number, kind, member)                                                    \
    {name, number, kind, offsetof(struct command_position, member)}
#define OF_EMULATION(name, number, kind, member)                                                   \
    {name, number, kind, offsetof(struct emulation, member)}

/* Known and not read: connect's flag, dict, profile; publish's key, removed; of subscribe and
 * sub_refresh what map and keyed subscriptions have. Nothing here depends on them. */
static const struct command_field connect_fields[] = {
    OF_COMMAND("token", 1, FIELD_STRING, token),
    OF_COMMAND("data", 2, FIELD_PAYLOAD, data),
    OF_COMMAND("subs", 3, FIELD_SUBS, positions),
    OF_COMMAND("name", 4, FIELD_STRING, name),
    OF_COMMAND("version", 5, FIELD_STRING, version),
    OF_COMMAND("headers", 6, FIELD_HEADERS, headers),
};
static const struct command_field subscribe_fields[] = {
    OF_COMMAND("channel", 1, FIELD_STRING, channel),
    OF_COMMAND("token", 2, FIELD_STRING, token),
    OF_COMMAND("recover", 3, FIELD_BOOL, recover),
    OF_COMMAND("epoch", 6, FIELD_STRING, epoch),
    OF_COMMAND("offset", 7, FIELD_U64, offset),
    OF_COMMAND("data", 8, FIELD_PAYLOAD, data),
    OF_COMMAND("positioned", 9, FIELD_BOOL, positioned),
    OF_COMMAND("recoverable", 10, FIELD_BOOL, recoverable),
    OF_COMMAND("join_leave", 11, FIELD_BOOL, join_leave),
    OF_COMMAND("delta", 12, FIELD_STRING, delta),
    OF_COMMAND("tf", 13, FIELD_OBJECT, filter),
    OF_COMMAND("flag", 14, FIELD_I64, flag),
    OF_COMMAND("type", 15, FIELD_I32, type),
};
static const struct command_field channel_fields[] = {
    OF_COMMAND("channel", 1, FIELD_STRING, channel),
};
static const struct command_field publish_fields[] = {
    OF_COMMAND("channel", 1, FIELD_STRING, channel),
    OF_COMMAND("data", 2, FIELD_PAYLOAD, data),
    OF_COMMAND("type", 3, FIELD_I32, type),
};
static const struct command_field history_fields[] = {
    OF_COMMAND("channel", 1, FIELD_STRING, channel),
    OF_COMMAND("limit", 7, FIELD_I32, limit),
    OF_COMMAND("since", 8, FIELD_SINCE, has_since),
    OF_COMMAND("reverse", 9, FIELD_BOOL, reverse),
};
static const struct command_field since_fields[] = {
    OF_COMMAND("offset", 1, FIELD_U64, offset),
    OF_COMMAND("epoch", 2, FIELD_STRING, epoch),
};
static const struct command_field rpc_fields[] = {
    OF_COMMAND("data", 1, FIELD_PAYLOAD, data),
    OF_COMMAND("method", 2, FIELD_STRING, method),
};
static const struct command_field send_fields[] = {
    OF_COMMAND("data", 1, FIELD_PAYLOAD, data),
};
static const struct command_field refresh_fields[] = {
    OF_COMMAND("token", 1, FIELD_STRING, token),
};
static const struct command_field sub_refresh_fields[] = {
    OF_COMMAND("channel", 1, FIELD_STRING, channel),
    OF_COMMAND("token", 2, FIELD_STRING, token),
    OF_COMMAND("type", 3, FIELD_I32, type),
};
static const struct command_field position_fields[] = {
    /* of a SubscribeRequest: what SDKs send */
    OF_POSITION("recover", 3, FIELD_BOOL, recover),
    OF_POSITION("epoch", 6, FIELD_STRING, epoch),
    OF_POSITION("offset", 7, FIELD_U64, offset),
};
static const struct command_field emulation_fields[] = {
    OF_EMULATION("node", 1, FIELD_STRING, node),
    OF_EMULATION("session", 2, FIELD_STRING, session),
    OF_EMULATION("data", 3, FIELD_BLOB, data),
};

#define FIELDS(array) {array, ARRAY_COUNT(array)}

const struct command_request COMMAND_REQUESTS[COMMAND_REQUEST_COUNT] = {
    {"connect", 4, COMMAND_CONNECT, FIELDS(connect_fields)},
    {"ping", 11, COMMAND_PING, {NULL, 0}},
    {"subscribe", 5, COMMAND_SUBSCRIBE, FIELDS(subscribe_fields)},
    {"unsubscribe", 6, COMMAND_UNSUBSCRIBE, FIELDS(channel_fields)},
    {"publish", 7, COMMAND_PUBLISH, FIELDS(publish_fields)},
    {"presence", 8, COMMAND_PRESENCE, FIELDS(channel_fields)},
    {"presence_stats", 9, COMMAND_PRESENCE_STATS, FIELDS(channel_fields)},
    {"history", 10, COMMAND_HISTORY, FIELDS(history_fields)},
    {"rpc", 13, COMMAND_RPC, FIELDS(rpc_fields)},
    {"send", 12, COMMAND_SEND, FIELDS(send_fields)},
    {"refresh", 14, COMMAND_REFRESH, FIELDS(refresh_fields)},
    {"sub_refresh", 15, COMMAND_SUB_REFRESH, FIELDS(sub_refresh_fields)},
};
const struct command_fields COMMAND_SINCE = FIELDS(since_fields);
const struct command_fields COMMAND_POSITION = FIELDS(position_fields);
const struct command_fields COMMAND_EMULATION = FIELDS(emulation_fields);

/* ---- memory ---- */

void command_take_lists(struct command *command, const struct command_memory *memory)
{
    command->positions = (struct command_position *)memory->positions.at;
    command->position_count = memory->positions.len / sizeof(struct command_position);
    command->headers = (struct command_header *)memory->headers.at;
    command->header_count = memory->headers.len / sizeof(struct command_header);
}

static void free_memory(struct command_memory *memory)
{
    buf_fini(&memory->positions);
    buf_fini(&memory->headers);
    buf_fini(&memory->unescaped);
    buf_fini(&memory->word);
}

/* ---- reading ---- */

bool command_cut(enum protocol_type type, struct text *frame, struct text *command)
{
    return type == PROTOCOL_JSON ? command_cut_json(frame, command)
                                 : command_cut_protobuf(frame, command);
}

static bool parse_command(enum protocol_type type, struct command_memory *memory, struct text bytes,
                          struct command *command)
{
    return type == PROTOCOL_JSON ? command_parse_json(memory, bytes, command)
                                 : command_parse_protobuf(memory, bytes, command);
}

bool command_read(enum protocol_type type, struct text bytes,
                  void (*take)(void *context, const struct command *command), void *context)
{
    struct command_memory memory = {.bytes_len = bytes.len};
    struct command command = {0};

    const bool decodable = parse_command(type, &memory, bytes, &command);
    if (decodable)
        take(context, &command);
    free_memory(&memory);
    return decodable;
}

bool command_read_connect(struct text json,
                          void (*take)(void *context, const struct command *command), void *context)
{
    struct command_memory memory = {.bytes_len = json.len};
    struct command command = {0};

    const bool decodable = command_parse_connect(&memory, json, &command);
    if (decodable)
        take(context, &command);
    free_memory(&memory);
    return decodable;
}

bool command_read_emulation(enum protocol_type type, struct text bytes,
                            void (*take)(void *context, const struct emulation *request),
                            void *context)
{
    struct command_memory memory = {.bytes_len = bytes.len};
    struct emulation request = {0};

    const bool decodable = type == PROTOCOL_JSON
                               ? command_parse_emulation_json(&memory, bytes, &request)
                               : command_parse_emulation_protobuf(bytes, &request);
    if (decodable)
        take(context, &request);
    free_memory(&memory);
    return decodable;
}
