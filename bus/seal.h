/*
 * seal: what proves that an NNG message comes from us: 1 byte version (1), 16 bytes of keyed
 * BLAKE2b (libsodium crypto_generichash) over `context` and the payload, the payload.
 *
 * Freshness is not the seal's affair: batches carry numbers, answers the id of their question.
 * With an empty key (loopback only) the tag is keyed with zeros: still a checksum.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

#define SEAL_OVERHEAD  17
#define SEAL_KEY_BYTES 32

struct seal_key {
    unsigned char bytes[SEAL_KEY_BYTES];
};

/* Derives a key from the configured secret of any length; empty = the zero key. */
void seal_key_init(struct seal_key *key, struct text secret);

/* `context` separates uses. SEAL_SESSION is for gateways among themselves (gateway/loop/emulated.h). */
enum seal_context { SEAL_EVENT = 'e', SEAL_QUESTION = 'q', SEAL_ANSWER = 'a', SEAL_SESSION = 's' };

/* Writes the SEAL_OVERHEAD bytes that go before `payload`. */
void seal_write(const struct seal_key *key, enum seal_context context, struct text payload,
                unsigned char out[SEAL_OVERHEAD]);
/* True and the payload (pointing into `message`) when the seal is right. */
MUST_CHECK bool seal_open(const struct seal_key *key, enum seal_context context,
                          struct text message, struct text *payload);
