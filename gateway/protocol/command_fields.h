/*
 * command_fields: which fields each request has, under their JSON names and Protobuf numbers, and
 * where they are kept. Both readers go by these tables; nobody else looks here. Any thread.
 */
#pragma once

#include "base/buf.h"
#include "gateway/protocol/command.h"

/* What a field is, and the type of the member that `at` leads to. */
enum field_kind {
    FIELD_STRING,  /* struct text: UTF-8 without NUL in both formats */
    FIELD_PAYLOAD, /* struct text: JSON of any kind as it stands, or opaque bytes */
    FIELD_BLOB,    /* struct text: a JSON string, or opaque bytes */
    FIELD_OBJECT,  /* struct text: a JSON object or a message, as it stands, not looked into */
    FIELD_BOOL,    /* bool */
    FIELD_U64,     /* uint64_t */
    FIELD_I64,     /* int64_t */
    FIELD_I32,     /* int32_t */
    FIELD_SINCE,   /* struct command: its fields are COMMAND_SINCE, and has_since tells of it */
    FIELD_SUBS,    /* struct command: `positions`, each entry being a COMMAND_POSITION */
    FIELD_HEADERS, /* struct command: `headers` */
};

struct command_field {
    const char *name;
    uint32_t number;
    enum field_kind kind;
    size_t at; /* offset of the member that it goes into */
};

struct command_fields {
    const struct command_field *fields;
    size_t count;
};

struct command_request {
    const char *name;
    uint32_t number; /* within Command */
    enum command_kind kind;
    struct command_fields fields;
};

#define COMMAND_REQUEST_COUNT 12
/* In the order in which a command with several is read, as Centrifugo does: connect first. */
extern const struct command_request COMMAND_REQUESTS[COMMAND_REQUEST_COUNT];
extern const struct command_fields COMMAND_SINCE;     /* of a struct command */
extern const struct command_fields COMMAND_POSITION;  /* of a struct command_position */
extern const struct command_fields COMMAND_EMULATION; /* of a struct emulation */

#define COMMAND_NUMBER_ID 1 /* within Command */

/* Without an id nothing could be answered: such a command is a send or a pong. */
static inline bool command_counts(const struct command_request *request, uint32_t id)
{
    return id != 0 || request->kind == COMMAND_SEND;
}

/* What one command's lists and unescaped texts lie in while it is being read. */
struct command_memory {
    struct buf positions, headers; /* arrays of the structs */
    struct buf unescaped;          /* JSON: never moves once it is there */
    struct buf word;               /* JSON: one text while it is being unescaped */
    size_t bytes_len;              /* of the whole command: no text of it is longer */
};

/* Gives `command` its lists: both are complete. */
void command_take_lists(struct command *command, const struct command_memory *memory);

/*
 * The two formats. Each fills what is zero; false: not decodable. Texts point into the bytes, or
 * into `memory`.
 */
MUST_CHECK bool command_parse_json(struct command_memory *memory, struct text bytes,
                                   struct command *command);
MUST_CHECK bool command_parse_protobuf(struct command_memory *memory, struct text bytes,
                                       struct command *command);
MUST_CHECK bool command_parse_connect(struct command_memory *memory, struct text bytes,
                                      struct command *command);
MUST_CHECK bool command_parse_emulation_json(struct command_memory *memory, struct text bytes,
                                             struct emulation *request);
MUST_CHECK bool command_parse_emulation_protobuf(struct text bytes, struct emulation *request);
MUST_CHECK bool command_cut_json(struct text *frame, struct text *command);
MUST_CHECK bool command_cut_protobuf(struct text *frame, struct text *command);
