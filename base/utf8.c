#include "base/utf8.h"

/*
 * How long the character is that `text` begins with, which must not be empty and may end inside the
 * character; 0: none begins so. RFC 3629 4, line by line: the second byte's range depends on the
 * first, the others are 80..BF.
 */
static size_t begun_char_bytes(struct text text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t bytes;
    unsigned char low = 0x80, high = 0xbf;

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
    for (size_t i = 1; i < bytes && i < text.len; i++, low = 0x80, high = 0xbf)
        if (at[i] < low || at[i] > high)
            return 0;
    return bytes;
}

size_t utf8_char_bytes(struct text text)
{
    const size_t bytes = text.len > 0 ? begun_char_bytes(text) : 0;

    return bytes <= text.len ? bytes : 0;
}

/* Bytes of the whole characters that `text` begins with. */
static size_t whole_bytes(struct text text)
{
    struct text rest = text;

    while (rest.len > 0) {
        uint64_t eight;
        if (rest.len >= sizeof(eight)) { /* most text is mostly ASCII */
            memcpy(&eight, rest.at, sizeof(eight));
            if ((eight & 0x8080808080808080u) == 0) {
                rest = text_after(rest, sizeof(eight));
                continue;
            }
        }
        const size_t bytes = utf8_char_bytes(rest);
        if (bytes == 0)
            break;
        rest = text_after(rest, bytes);
    }
    return text.len - rest.len;
}

bool utf8_valid(struct text text)
{
    return whole_bytes(text) == text.len;
}

bool utf8_valid_start(struct text text, size_t *whole)
{
    *whole = whole_bytes(text);
    return *whole == text.len || begun_char_bytes(text_after(text, *whole)) > text.len - *whole;
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
