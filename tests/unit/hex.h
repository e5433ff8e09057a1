/*
 * hex: Protobuf messages as people can write and read them in a test. Include after cmocka.h.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "gateway/protocol/protobuf.h"

/*
 * Bytes in hexadecimal, with spaces anywhere, characters between quotes, and a length before what
 * stands in parentheses: "2a(0a('room:7'))". Returns where it ended: at the end, or behind a ')'.
 */
static const char *add_hex(struct buf *out, const char *hex)
{
    unsigned byte;

    while (*hex != '\0' && *hex != ')') {
        if (*hex == '(') {
            struct buf inner = {0};
            hex = add_hex(&inner, hex + 1);
            protobuf_add_raw_varint(out, inner.len);
            buf_add_text(out, buf_text(&inner));
            buf_fini(&inner);
        } else if (*hex == '\'') {
            const char *end = strchr(hex + 1, '\'');
            buf_add(out, hex + 1, (size_t)(end - hex - 1));
            hex = end + 1;
        } else if (*hex == ' ') {
            hex++;
        } else {
            assert_int_equal(sscanf(hex, "%2x", &byte), 1);
            buf_add_byte(out, (char)byte);
            hex += 2;
        }
    }
    return *hex == ')' ? hex + 1 : hex;
}
