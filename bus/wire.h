/*
 * wire: the messages of bus.proto between structs (protobuf-c, generated bus.pb-c.h) and sealed
 * bytes.
 *
 * Decoding checks the nesting on the wire first (at most WIRE_DEPTH_MAX): protobuf-c recurses
 * without bound. Decoded messages own their memory: wire_free_*().
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "bus/bus.pb-c.h"

#define WIRE_DEPTH_MAX 16
#define WIRE_FIELDS_MAX                                                                            \
    (1u << 20) /* in one message, nested ones included: a 2-byte field costs 100 bytes decoded */
#define WIRE_MESSAGE_MAX (4u << 20) /* bytes of one NNG message, seal included */

/* A bytes field that borrows `t`, and back. */
static inline ProtobufCBinaryData wire_bytes(struct text t)
{
    return (ProtobufCBinaryData){.len = t.len, .data = (uint8_t *)t.at};
}
static inline struct text wire_text(ProtobufCBinaryData bytes)
{
    return text_of(bytes.data, bytes.len);
}

/* NULL when the bytes are no such message. */
Bus__Batch *wire_read_batch(struct text payload);
Bus__Question *wire_read_question(struct text payload);
Bus__Answer *wire_read_answer(struct text payload);
Bus__Publication *wire_read_publication(struct text payload); /* as streams keep them */
void wire_free_batch(Bus__Batch *batch); /* all four: NULL does nothing */
void wire_free_question(Bus__Question *question);
void wire_free_answer(Bus__Answer *answer);
void wire_free_publication(Bus__Publication *publication);

/* Appends the message as it stands on the wire. */
void wire_pack(struct buf *out, const ProtobufCMessage *message);

/*
 * The rule before protobuf-c: well-formed tags, lengths inside, nesting at most WIRE_DEPTH_MAX, at
 * most WIRE_FIELDS_MAX fields, no single message given twice (protobuf-c would merge them, its
 * least trodden path). `type` tells which fields are messages: a text of a client must not look
 * like one.
 */
MUST_CHECK bool wire_is_sane(const ProtobufCMessageDescriptor *type, struct text payload);
