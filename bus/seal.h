/*
 * seal: what makes an NNG message ours alone: nobody without the bus key can read it, make one, or
 * change one. XChaCha20-Poly1305 (libsodium crypto_aead_xchacha20poly1305_ietf):
 *
 *   1 byte version (2), 4 bytes which key, 24 bytes nonce (random), 16 bytes tag, the payload
 *
 * Version, key and `context` are authenticated with it. While the key of a fleet is being changed,
 * what is sealed with the other one is read, too.
 *
 * Freshness is not the seal's affair: batches carry numbers, answers the id of their question,
 * questions a number of their asker (responder.h). With an empty secret (loopback only) the key is
 * zeros: then the seal is a checksum.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

#define SEAL_OVERHEAD  45
#define SEAL_KEY_BYTES 32
#define SEAL_TAG_BYTES 16

struct seal_key {
    unsigned char bytes[SEAL_KEY_BYTES];
    unsigned char id[4]; /* tells which key, and nothing about it */
};

struct seal_keys {
    struct seal_key own, other; /* `other`: for reading alone */
    bool has_other;
};

/* From the configured secrets, of any length; `other` empty: there is none. */
void seal_keys_init(struct seal_keys *keys, struct text secret, struct text other);

/* `context` separates uses. */
enum seal_context { SEAL_EVENT = 'e', SEAL_QUESTION = 'q', SEAL_ANSWER = 'a' };

/* Seals what stands behind the first SEAL_OVERHEAD bytes of `message`, in place. */
void seal_write(const struct seal_keys *keys, enum seal_context context, void *message, size_t len);
/* True and the payload in `out` (emptied first) when the seal is right. */
MUST_CHECK bool seal_open(const struct seal_keys *keys, enum seal_context context,
                          struct text message, struct buf *out);

/* A proof that somebody with the secret knew `text`. */
void seal_tag(struct text secret, struct text text, unsigned char tag[SEAL_TAG_BYTES]);
