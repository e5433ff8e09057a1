/*
 * deflate: permessage-deflate (RFC 7692) without context takeover, and the one door to zlib.
 *
 * Each message is compressed by itself, so no connection keeps a window. Each thread has one compressor and one decompressor
 * (some 256 and 40 KiB, set aside at its first message) that are reset between messages and freed when the thread ends; the
 * main thread's go with the process. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define DEFLATE_ANSWER_MAX 128 /* bytes, NUL included */

/*
 * `offers` is the value of a Sec-WebSocket-Extensions header; of several headers one after the other is asked about. True: it
 * has an offer that we accept, and `answer` is the value to answer with. The first such offer counts. Declined are those with
 * an unknown, repeated or malformed parameter, and those that want our window smaller than 15 bits.
 */
bool deflate_negotiate(struct text offers, char answer[DEFLATE_ANSWER_MAX]);

/* Appends `message` compressed (level 1), without the 00 00 ff ff at its end: the payload of a message with RSV1. */
void deflate_message(struct buf *out, struct text message);

/*
 * Appends what such a payload says. Nothing is appended after an error.
 * ERR_TOO_LARGE: it says more than `max` bytes; `out` never gets memory for more than that. ERR_INVALID: it is broken or cut off.
 */
MUST_CHECK enum err inflate_message(struct buf *out, struct text compressed, size_t max);
