#include "base/utf8.h"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* RFC 3629 4, line by line: the second byte's range depends on the first, the others are 80..BF. */
size_t utf8_char_bytes(struct text text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t bytes;
    unsigned char low = 0x80, high = 0xbf;

    if (text.len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    bytes = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0xe0)
        low = 0xa0; /* else overlong */
    else if (at[0] == 0xed)
        high = 0x9f; /* else a surrogate */
    else if (at[0] == 0xf0)
        low = 0x90; /* else overlong */
    else if (at[0] == 0xf4)
        high = 0x8f; /* else above U+10FFFF */
    if (text.len < bytes || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if (!is_continuation(at[i]))
            return 0;
    return bytes;
}

bool utf8_valid(struct text text)
{
    while (text.len > 0) {
        uint64_t eight;
        if (text.len >= sizeof(eight)) { /* most text is mostly ASCII */
            memcpy(&eight, text.at, sizeof(eight));
            if ((eight & 0x8080808080808080u) == 0) {
                text = text_after(text, sizeof(eight));
                continue;
            }
        }
        const size_t bytes = utf8_char_bytes(text);
        if (bytes == 0)
            return false;
        text = text_after(text, bytes);
    }
    return true;
}

size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}
