#include "base/json.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/json_check.h"

/* Before a key, an item, or the value of no key: the comma that separates it from what was before.
 */
static void separate(struct json_out *out)
{
    if (out->comma)
        buf_add_byte(out->buf, ',');
    out->comma = true;
}

void json_open(struct json_out *out, char bracket)
{
    separate(out);
    buf_add_byte(out->buf, bracket);
    out->comma = false;
}

void json_close(struct json_out *out, char bracket)
{
    buf_add_byte(out->buf, bracket);
    out->comma = true;
}

void json_key(struct json_out *out, const char *name)
{
    const size_t len = strlen(name);

    separate(out);
    char *at = buf_reserve(out->buf, len + 3);
    at[0] = '"';
    memcpy(at + 1, name, len);
    at[len + 1] = '"';
    at[len + 2] = ':';
    out->buf->len += len + 3;
    out->comma = false;
}

/* RFC 8259 7: the quote, the backslash and what is below U+0020 must be escaped. 0 = as it is. */
static const char escapes[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',          ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f',          ['\r'] = 'r', [0x0e ... 0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

static void add_escape(struct buf *buf, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";

    buf_add_byte(buf, '\\');
    buf_add_byte(buf, escapes[byte]);
    if (escapes[byte] == 'u') {
        const char digits[] = {'0', '0', hex[byte >> 4], hex[byte & 15]};
        buf_add(buf, digits, sizeof(digits));
    }
}

/* How many bytes stand as they are. Other than ASCII does so, too, but slower. */
static size_t plain_bytes(struct text value)
{
    size_t plain = 0;
    uint64_t eight;

    for (; plain + sizeof(eight) <= value.len; plain += sizeof(eight)) {
        memcpy(&eight, value.at + plain, sizeof(eight));
        if (!bytes_are_plain(eight))
            break;
    }
    while (plain < value.len && !escapes[(unsigned char)value.at[plain]])
        plain++;
    return plain;
}

void json_text(struct json_out *out, struct text value)
{
    struct buf *buf = out->buf;

    separate(out);
    buf_reserve(buf, value.len + 2); /* mostly all that is needed */
    buf_add_byte(buf, '"');
    while (value.len > 0) {
        const size_t plain = plain_bytes(value);
        buf_add(buf, value.at, plain);
        if (plain == value.len)
            break;
        add_escape(buf, (unsigned char)value.at[plain]);
        value = text_after(value, plain + 1);
    }
    buf_add_byte(buf, '"');
}

void json_name(struct json_out *out, struct text name)
{
    json_text(out, name);
    buf_add_byte(out->buf, ':');
    out->comma = false;
}

void json_i64(struct json_out *out, int64_t value)
{
    separate(out);
    buf_add_i64(out->buf, value);
}

void json_u64(struct json_out *out, uint64_t value)
{
    separate(out);
    buf_add_u64(out->buf, value);
}

void json_id(struct json_out *out, int64_t id)
{
    separate(out);
    buf_add_byte(out->buf, '"');
    buf_add_i64(out->buf, id);
    buf_add_byte(out->buf, '"');
}

void json_bool(struct json_out *out, bool value)
{
    json_raw_value(out, value ? TEXT("true") : TEXT("false"));
}

void json_null(struct json_out *out)
{
    json_raw_value(out, TEXT("null"));
}

void json_time(struct json_out *out, int64_t wall_us)
{
    char time[CLOCK_RFC3339_BYTES];
    clock_format(wall_us, time);
    json_text(out, text_of(time, CLOCK_RFC3339_BYTES - 1));
}

void json_raw_value(struct json_out *out, struct text value)
{
    separate(out);
    buf_add_text(out->buf, value);
}

void json_key_text(struct json_out *out, const char *name, struct text value)
{
    json_key(out, name);
    json_text(out, value);
}

void json_key_i64(struct json_out *out, const char *name, int64_t value)
{
    json_key(out, name);
    json_i64(out, value);
}

void json_key_u64(struct json_out *out, const char *name, uint64_t value)
{
    json_key(out, name);
    json_u64(out, value);
}

void json_key_id(struct json_out *out, const char *name, int64_t id)
{
    json_key(out, name);
    json_id(out, id);
}

void json_key_bool(struct json_out *out, const char *name, bool value)
{
    json_key(out, name);
    json_bool(out, value);
}

void json_key_time(struct json_out *out, const char *name, int64_t wall_us)
{
    json_key(out, name);
    json_time(out, wall_us);
}

void json_key_time_exact(struct json_out *out, const char *name, int64_t wall_us)
{
    char time[CLOCK_EXACT_BYTES];

    clock_format_exact(wall_us, time);
    json_key_text(out, name, text_of(time, CLOCK_EXACT_BYTES - 1));
}

void json_key_raw(struct json_out *out, const char *name, struct text value)
{
    json_key(out, name);
    json_raw_value(out, value);
}

/* The variant that Go's encoding/json writes, and readers of such JSON expect. */
void json_key_base64(struct json_out *out, const char *name, struct text bytes)
{
    const size_t room = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);

    json_key_raw(out, name, TEXT("\""));
    sodium_bin2base64(buf_reserve(out->buf, room), room, (const unsigned char *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    out->buf->len += room - 1; /* it counts a NUL */
    buf_add_byte(out->buf, '"');
}
