#include "gateway/protocol/protobuf.h"

#define VARINT_BYTES_MAX 10 /* 64 bits, seven in each byte */
#define NUMBER_MAX       ((1u << 29) - 1)

bool protobuf_varint(struct text *bytes, uint64_t *value)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < bytes->len && i < VARINT_BYTES_MAX; i++) {
        const unsigned char byte = (unsigned char)bytes->at[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            return false; /* the tenth byte has one bit left, and none follows */
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *bytes = text_after(*bytes, i + 1);
            *value = sum;
            return true;
        }
    }
    return false;
}

static bool take_fixed(struct text *message, size_t bytes, uint64_t *value)
{
    if (message->len < bytes)
        return false;
    *value = 0;
    for (size_t i = bytes; i-- > 0;) /* little-endian */
        *value = *value << 8 | (unsigned char)message->at[i];
    *message = text_after(*message, bytes);
    return true;
}

static bool take_bytes(struct text *message, struct text *bytes)
{
    uint64_t len;

    if (!protobuf_varint(message, &len) || len > message->len)
        return false;
    *bytes = text_of(message->at, (size_t)len);
    *message = text_after(*message, (size_t)len);
    return true;
}

static bool take_value(struct text *message, unsigned type, struct protobuf_field *field)
{
    switch (type) {
    case PROTOBUF_VARINT:
        return protobuf_varint(message, &field->value);
    case PROTOBUF_I64:
        return take_fixed(message, 8, &field->value);
    case PROTOBUF_BYTES:
        return take_bytes(message, &field->bytes);
    case PROTOBUF_I32:
        return take_fixed(message, 4, &field->value);
    default:
        return false; /* 3 and 4 are groups, which proto3 has not; 6 and 7 are nothing */
    }
}

int protobuf_next(struct text *message, struct protobuf_field *field)
{
    uint64_t key;

    if (message->len == 0)
        return 0;
    if (!protobuf_varint(message, &key) || key >> 3 == 0 || key >> 3 > NUMBER_MAX)
        return -1;
    *field = (struct protobuf_field){.number = (uint32_t)(key >> 3), .type = key & 7};
    return take_value(message, key & 7, field) ? 1 : -1;
}

/* Writes `value` to `out`; returns how many bytes that took. */
static size_t put_varint(char out[VARINT_BYTES_MAX], uint64_t value)
{
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        out[len++] = (char)(value | 0x80);
    out[len++] = (char)value;
    return len;
}

void protobuf_add_raw_varint(struct buf *out, uint64_t value)
{
    out->len += put_varint(buf_reserve(out, VARINT_BYTES_MAX), value);
}

static void add_key(struct buf *out, uint32_t number, unsigned type)
{
    protobuf_add_raw_varint(out, (uint64_t)number << 3 | type);
}

void protobuf_add_varint(struct buf *out, uint32_t number, uint64_t value)
{
    add_key(out, number, PROTOBUF_VARINT);
    protobuf_add_raw_varint(out, value);
}

void protobuf_add_sint(struct buf *out, uint32_t number, int64_t value)
{
    protobuf_add_varint(out, number, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void protobuf_add_bytes(struct buf *out, uint32_t number, struct text bytes)
{
    add_key(out, number, PROTOBUF_BYTES);
    protobuf_add_raw_varint(out, bytes.len);
    buf_add_text(out, bytes);
}

size_t protobuf_open(struct buf *out, uint32_t number)
{
    add_key(out, number, PROTOBUF_BYTES);
    buf_add_byte(out, 0); /* the length of most */
    return out->len;
}

void protobuf_close(struct buf *out, size_t at)
{
    char length[VARINT_BYTES_MAX];
    const size_t content = out->len - at, len = put_varint(length, content), more = len - 1;

    if (more > 0) {
        buf_reserve(out, more);
        memmove(out->at + at + more, out->at + at, content);
        out->len += more;
    }
    memcpy(out->at + at - 1, length, len);
}
