#include "base/jwt_parts.h"

#include <sodium.h>

#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING

void jwt_encode(struct buf *out, struct text bytes)
{
    const size_t room = sodium_base64_encoded_len(bytes.len, BASE64URL); /* counts a NUL */
    sodium_bin2base64(buf_reserve(out, room), room, (const unsigned char *)bytes.at, bytes.len,
                      BASE64URL);
    out->len += room - 1;
}

bool jwt_decode(struct text base64, struct buf *out)
{
    size_t len;
    const size_t room = base64.len / 4 * 3 + 3;
    unsigned char *at = (unsigned char *)buf_reserve(out, room);

    if (sodium_base642bin(at, room, base64.at, base64.len, NULL, &len, NULL, BASE64URL) != 0)
        return false;
    out->len += len;
    return true;
}

bool jwt_is_string(struct json_value value, struct text expected)
{
    struct buf plain = {0};
    const bool equal = json_to_text(value, &plain) && text_equal(buf_text(&plain), expected);
    buf_fini(&plain);
    return equal;
}

static bool has_escape(struct text name)
{
    return name.len > 0 && memchr(name.at, '\\', name.len) != NULL;
}

/* "sub" may be written s\u0075b, and json_get() finds it there. */
static bool same_name(struct text a, struct text b)
{
    struct buf plain_a = {0}, plain_b = {0};

    if (!has_escape(a) && !has_escape(b))
        return text_equal(a, b);
    json_unescape(a, &plain_a);
    json_unescape(b, &plain_b);
    const bool same = text_equal(buf_text(&plain_a), buf_text(&plain_b));
    buf_fini(&plain_a);
    buf_fini(&plain_b);
    return same;
}

bool jwt_has_doubled_names(struct json_value object)
{
    for (struct json_iter one = json_iter(object); json_next(&one);)
        for (struct json_iter other = one; json_next(&other);)
            if (same_name(one.key, other.key))
                return true;
    return false;
}
