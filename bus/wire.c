#include "bus/wire.h"

/* Protobuf's encoding: https://protobuf.dev/programming-guides/encoding/ */
enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

#define VARINT_BYTES_MAX 10

struct walk {
    const ProtobufCMessageDescriptor *type;
    struct text rest;
    uint64_t seen; /* bit i: the single message in `type->fields[i]` was there */
};

static bool take_varint(struct text *rest, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_BYTES_MAX; i++) {
        const uint8_t byte = (uint8_t)rest->at[i];
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = text_after(*rest, i + 1);
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct text *rest, uint64_t len, struct text *bytes)
{
    if (len > rest->len)
        return false;
    *bytes = text_of(rest->at, len);
    *rest = text_after(*rest, len);
    return true;
}

/* One field off `rest`; its bytes when it has a length, else nothing. */
static bool take_field(struct text *rest, uint32_t *number, struct text *bytes)
{
    uint64_t tag, value;

    *bytes = TEXT("");
    if (!take_varint(rest, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
        return false;
    *number = (uint32_t)(tag >> 3);
    switch ((enum wire_type)(tag & 7)) {
    case WIRE_VARINT:
        return take_varint(rest, &value);
    case WIRE_64BIT:
        return take_bytes(rest, 8, &(struct text){0});
    case WIRE_32BIT:
        return take_bytes(rest, 4, &(struct text){0});
    case WIRE_BYTES:
        return take_varint(rest, &value) && take_bytes(rest, value, bytes);
    }
    return false; /* groups are not ours */
}

/*
 * The type of the message in field `number`, NULL when that is no message. False when the field may
 * not stand here: a single message for the second time.
 */
static bool message_in(struct walk *walk, uint32_t number, const ProtobufCMessageDescriptor **type)
{
    *type = NULL;
    for (unsigned i = 0; i < walk->type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &walk->type->fields[i];
        if (field->id != number || field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        *type = field->descriptor;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            return true;
        /* A oneof holds one message at most, whichever it is. */
        const uint64_t mask =
            (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? 1ull << 63 : 1ull << (i % 63);
        if ((walk->seen & mask) != 0)
            return false;
        walk->seen |= mask;
        return true;
    }
    return true;
}

bool wire_is_sane(const ProtobufCMessageDescriptor *type, struct text payload)
{
    struct walk stack[WIRE_DEPTH_MAX] = {{.type = type, .rest = payload}};
    size_t depth = 1, fields = 0;

    while (depth > 0) {
        struct walk *walk = &stack[depth - 1];
        const ProtobufCMessageDescriptor *inner;
        struct text bytes;
        uint32_t number;

        if (walk->rest.len == 0) {
            depth--;
            continue;
        }
        if (++fields > WIRE_FIELDS_MAX || !take_field(&walk->rest, &number, &bytes) ||
            !message_in(walk, number, &inner))
            return false;
        if (inner == NULL)
            continue;
        if (depth == WIRE_DEPTH_MAX)
            return false;
        stack[depth++] = (struct walk){.type = inner, .rest = bytes};
    }
    return true;
}

static void *read_message(const ProtobufCMessageDescriptor *type, struct text payload)
{
    if (payload.len > WIRE_MESSAGE_MAX || !wire_is_sane(type, payload))
        return NULL;
    return protobuf_c_message_unpack(type, NULL, payload.len, (const uint8_t *)payload.at);
}

static void free_message(void *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

Bus__Batch *wire_read_batch(struct text payload)
{
    return read_message(&bus__batch__descriptor, payload);
}

Bus__Question *wire_read_question(struct text payload)
{
    return read_message(&bus__question__descriptor, payload);
}

Bus__Answer *wire_read_answer(struct text payload)
{
    return read_message(&bus__answer__descriptor, payload);
}

Bus__Publication *wire_read_publication(struct text payload)
{
    return read_message(&bus__publication__descriptor, payload);
}

void wire_free_batch(Bus__Batch *batch)
{
    free_message(batch);
}

void wire_free_question(Bus__Question *question)
{
    free_message(question);
}

void wire_free_answer(Bus__Answer *answer)
{
    free_message(answer);
}

void wire_free_publication(Bus__Publication *publication)
{
    free_message(publication);
}

void wire_pack(struct buf *out, const ProtobufCMessage *message)
{
    const size_t size = protobuf_c_message_get_packed_size(message);

    out->len += protobuf_c_message_pack(message, (uint8_t *)buf_reserve(out, size + 1));
}
