/*
 * protobuf: the wire format alone (varints, keys, lengths), for messages whose meaning others know: a reader that points
 * into the message, and a writer. Source: protobuf.dev, "Encoding". Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

struct protobuf_field {
    uint32_t number; /* 1 to 2^29 - 1 */
    enum { PROTOBUF_VARINT = 0, PROTOBUF_I64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_I32 = 5 } type;
    uint64_t value;    /* of a varint or a fixed number; else 0 */
    struct text bytes; /* of PROTOBUF_BYTES, within the message; else empty */
};

/* ---- reading ---- */

/*
 * Takes the first field off `message`. 1: there was one; 0: the end; -1: malformed, that is cut off, a varint over ten
 * bytes or over 64 bits, field 0 or above 2^29 - 1, a group, a length beyond the end. After -1 `message` is of no use.
 */
int protobuf_next(struct text *message, struct protobuf_field *field);

/* Takes a varint off `bytes`; false: malformed as above, or cut off; `bytes` is untouched then. */
bool protobuf_varint(struct text *bytes, uint64_t *value);

/* ---- writing: appends, also what is zero or empty; the callers leave that out where proto3 does ---- */

void protobuf_add_raw_varint(struct buf *out, uint64_t value); /* without a key: the length before a message */
void protobuf_add_varint(struct buf *out, uint32_t number, uint64_t value);
void protobuf_add_sint(struct buf *out, uint32_t number, int64_t value); /* zigzag */
void protobuf_add_bytes(struct buf *out, uint32_t number, struct text bytes);

/*
 * A nested message in place: `const size_t at = protobuf_open(out, 5)`, append its fields, protobuf_close(out, at), which
 * writes the length before them and moves them when it needs more than one byte. They may be nested.
 */
size_t protobuf_open(struct buf *out, uint32_t number);
void protobuf_close(struct buf *out, size_t at);
