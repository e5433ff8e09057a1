/*
 * The bytes as a compressed message, as a message to compress, and as the offers of a handshake.
 */
#include <stdlib.h>

#include "gateway/protocol/deflate.h"

#define INFLATED_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void inflate_any(struct text compressed)
{
    struct buf out = {0}, tight = {0};
    const enum err err = inflate_message(&out, compressed, INFLATED_MAX);

    CHECK(err == ERR_OK || err == ERR_INVALID || err == ERR_TOO_LARGE);
    CHECK(out.cap <= INFLATED_MAX && (err == ERR_OK || out.len == 0));
    if (err == ERR_OK && out.len > 0)
        CHECK(inflate_message(&tight, compressed, out.len - 1) == ERR_TOO_LARGE);
    buf_fini(&out);
    buf_fini(&tight);
}

static void round_trip(struct text message)
{
    struct buf compressed = {0}, out = {0};

    deflate_message(&compressed, message);
    CHECK(inflate_message(&out, buf_text(&compressed), message.len) == ERR_OK);
    CHECK(text_equal(buf_text(&out), message));
    buf_fini(&compressed);
    buf_fini(&out);
}

static void negotiate(struct text offers)
{
    char answer[DEFLATE_ANSWER_MAX];
    if (deflate_negotiate(offers, answer)) /* what we answer is an offer that we would accept */
        CHECK(deflate_negotiate(text(answer), answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = xmalloc(len);

    memcpy(copy, bytes, len);
    inflate_any(text_of(copy, len));
    round_trip(text_of(copy, len));
    negotiate(text_of(copy, len));
    free(copy);
    return 0;
}
