#include "bus/seal.h"

#include <sodium.h>

#define SEAL_VERSION 1
#define TAG_BYTES    (SEAL_OVERHEAD - 1)

_Static_assert(TAG_BYTES >= crypto_generichash_BYTES_MIN, "too short for BLAKE2b");
_Static_assert(SEAL_KEY_BYTES == crypto_generichash_KEYBYTES, "the key is the hash's");

void seal_key_init(struct seal_key *key, struct text secret)
{
    if (secret.len == 0)
        sodium_memzero(key->bytes, sizeof(key->bytes));
    else
        CHECK(crypto_generichash(key->bytes, sizeof(key->bytes), (const unsigned char *)secret.at,
                                 secret.len, NULL, 0) == 0);
}

static void make_tag(const struct seal_key *key, enum seal_context context, struct text payload,
                     unsigned char tag[TAG_BYTES])
{
    const unsigned char use = (unsigned char)context;
    crypto_generichash_state state;

    CHECK(crypto_generichash_init(&state, key->bytes, sizeof(key->bytes), TAG_BYTES) == 0);
    crypto_generichash_update(&state, &use, sizeof(use));
    if (payload.len > 0)
        crypto_generichash_update(&state, (const unsigned char *)payload.at, payload.len);
    crypto_generichash_final(&state, tag, TAG_BYTES);
}

void seal_write(const struct seal_key *key, enum seal_context context, struct text payload,
                unsigned char out[SEAL_OVERHEAD])
{
    out[0] = SEAL_VERSION;
    make_tag(key, context, payload, out + 1);
}

bool seal_open(const struct seal_key *key, enum seal_context context, struct text message,
               struct text *payload)
{
    unsigned char tag[TAG_BYTES];

    if (message.len < SEAL_OVERHEAD || message.at[0] != SEAL_VERSION)
        return false;
    const struct text inside = text_after(message, SEAL_OVERHEAD);
    make_tag(key, context, inside, tag);
    if (sodium_memcmp(tag, message.at + 1, sizeof(tag)) != 0)
        return false;
    *payload = inside;
    return true;
}
