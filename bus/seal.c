#include "bus/seal.h"

#include <sodium.h>

#define SEAL_VERSION 2

/* Where things stand in a message. */
enum { AT_ID = 1, AT_NONCE = 5, AT_TAG = 29 };

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key is the cipher's");
_Static_assert(AT_NONCE + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == AT_TAG, "a nonce fits");
_Static_assert(AT_TAG + crypto_aead_xchacha20poly1305_ietf_ABYTES == SEAL_OVERHEAD, "a tag fits");
_Static_assert(SEAL_TAG_BYTES >= crypto_generichash_BYTES_MIN, "too short for BLAKE2b");

static void hash(unsigned char *out, size_t out_len, const void *in, size_t in_len)
{
    CHECK(crypto_generichash(out, out_len, in, in_len, NULL, 0) == 0);
}

static void key_init(struct seal_key *key, struct text secret)
{
    unsigned char id[crypto_generichash_BYTES_MIN];

    sodium_memzero(key->bytes, sizeof(key->bytes));
    if (secret.len > 0)
        hash(key->bytes, sizeof(key->bytes), secret.at, secret.len);
    hash(id, sizeof(id), key->bytes, sizeof(key->bytes));
    memcpy(key->id, id, sizeof(key->id));
}

void seal_keys_init(struct seal_keys *keys, struct text secret, struct text other)
{
    key_init(&keys->own, secret);
    keys->has_other = other.len > 0;
    key_init(&keys->other, other);
}

/* What is authenticated without being secret. */
struct open_part {
    unsigned char bytes[AT_NONCE + 1];
};

static struct open_part open_part(const unsigned char *message, enum seal_context context)
{
    struct open_part part;

    memcpy(part.bytes, message, AT_NONCE);
    part.bytes[AT_NONCE] = (unsigned char)context;
    return part;
}

void seal_write(const struct seal_keys *keys, enum seal_context context, void *message, size_t len)
{
    unsigned char *at = message;
    struct open_part part;

    CHECK(len >= SEAL_OVERHEAD);
    at[0] = SEAL_VERSION;
    memcpy(at + AT_ID, keys->own.id, sizeof(keys->own.id));
    randombytes_buf(at + AT_NONCE, AT_TAG - AT_NONCE);
    part = open_part(at, context);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        at + SEAL_OVERHEAD, at + AT_TAG, NULL, at + SEAL_OVERHEAD, len - SEAL_OVERHEAD, part.bytes,
        sizeof(part.bytes), NULL, at + AT_NONCE, keys->own.bytes);
}

static const struct seal_key *key_of(const struct seal_keys *keys, const unsigned char *id)
{
    if (memcmp(id, keys->own.id, sizeof(keys->own.id)) == 0)
        return &keys->own;
    if (keys->has_other && memcmp(id, keys->other.id, sizeof(keys->other.id)) == 0)
        return &keys->other;
    return NULL;
}

bool seal_open(const struct seal_keys *keys, enum seal_context context, struct text message,
               struct buf *out)
{
    const unsigned char *at = (const unsigned char *)message.at;
    const struct seal_key *key;
    struct open_part part;

    buf_reset(out);
    if (message.len < SEAL_OVERHEAD || at[0] != SEAL_VERSION ||
        (key = key_of(keys, at + AT_ID)) == NULL)
        return false;
    const size_t len = message.len - SEAL_OVERHEAD;
    unsigned char *to = (unsigned char *)buf_reserve(out, len + 1); /* never NULL */
    part = open_part(at, context);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            to, NULL, at + SEAL_OVERHEAD, len, at + AT_TAG, part.bytes, sizeof(part.bytes),
            at + AT_NONCE, key->bytes) != 0)
        return false;
    out->len += len;
    return true;
}

void seal_tag(struct text secret, struct text text, unsigned char tag[SEAL_TAG_BYTES])
{
    struct seal_key key;

    key_init(&key, secret);
    CHECK(crypto_generichash(tag, SEAL_TAG_BYTES, (const unsigned char *)text.at, text.len, key.bytes,
                             sizeof(key.bytes)) == 0);
}
