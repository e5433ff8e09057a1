#include "gateway/protocol/websocket.h"

#include <openssl/evp.h>
#include <sodium.h>

#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */
#define KEY_BYTES   24
#define SHA1_BYTES  20
#define NO_CODE     1005 /* RFC 6455 7.4.1: stands for a close frame without code, is never sent */

void websocket_accept_key(struct text key, char out[29])
{
    unsigned char salted[KEY_BYTES + sizeof(ACCEPT_GUID) - 1], digest[SHA1_BYTES];

    CHECK(key.len == KEY_BYTES);
    memcpy(salted, key.at, KEY_BYTES);
    memcpy(salted + KEY_BYTES, ACCEPT_GUID, sizeof(ACCEPT_GUID) - 1);
    CHECK(EVP_Digest(salted, sizeof(salted), digest, NULL, EVP_sha1(), NULL) == 1);
    sodium_bin2base64(out, 29, digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL);
}

static size_t put_big_endian(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; number >>= 8)
        at[i] = (unsigned char)number;
    return bytes;
}

size_t websocket_header(enum websocket_opcode opcode, size_t payload_len,
                        unsigned char out[WEBSOCKET_HEADER_MAX])
{
    out[0] = (unsigned char)(0x80 | opcode); /* FIN */
    if (payload_len < 126) {
        out[1] = (unsigned char)payload_len;
        return 2;
    }
    if (payload_len <= UINT16_MAX) {
        out[1] = 126;
        return 2 + put_big_endian(out + 2, payload_len, 2);
    }
    out[1] = 127;
    return 2 + put_big_endian(out + 2, payload_len, 8);
}

size_t websocket_header_deflated(enum websocket_opcode opcode, size_t payload_len,
                                 unsigned char out[WEBSOCKET_HEADER_MAX])
{
    const size_t len = websocket_header(opcode, payload_len, out);
    out[0] |= 0x40; /* RFC 7692 6: RSV1 */
    return len;
}

/* The longest beginning of `whole` that has at most `max` bytes and cuts no character. */
static struct text cut_text(struct text whole, size_t max)
{
    if (whole.len <= max)
        return whole;
    while (max > 0 && ((unsigned char)whole.at[max] & 0xc0) == 0x80)
        max--;
    return text_of(whole.at, max);
}

void websocket_close_frame(struct buf *out, int code, struct text reason)
{
    const size_t code_bytes = code == NO_CODE ? 0 : 2;
    unsigned char head[WEBSOCKET_HEADER_MAX + 2];
    size_t head_len;

    reason = code == NO_CODE ? (struct text){0} : cut_text(reason, WEBSOCKET_CONTROL_MAX - 2);
    head_len = websocket_header(WEBSOCKET_CLOSE, code_bytes + reason.len, head);
    head_len += put_big_endian(head + head_len, (uint64_t)code, code_bytes);
    buf_add(out, head, head_len);
    buf_add_text(out, reason);
}
