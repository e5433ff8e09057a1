#include "base/hash.h"

#include <endian.h>
#include <sodium.h>

#include "base/base.h"

_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "a hash is a number");

uint64_t hash_text(uint64_t seed, struct text text)
{
    unsigned char key[crypto_shorthash_KEYBYTES] = {0};
    uint64_t hash;

    seed = htole64(seed); /* the same on every machine: Redis and the bus carry it */
    memcpy(key, &seed, sizeof(seed));
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text.at, text.len, key);
    return le64toh(hash);
}
