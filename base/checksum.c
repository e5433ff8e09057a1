#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

uint64_t checksum(uint64_t seed, struct text text)
{
    return XXH3_64bits_withSeed(text.at, text.len, seed);
}

void checksum_hex(struct text text, char out[CHECKSUM_HEX_BYTES])
{
    const XXH128_hash_t sum = XXH3_128bits(text.at, text.len);

    snprintf(out, CHECKSUM_HEX_BYTES, "%016" PRIx64 "%016" PRIx64, (uint64_t)sum.high64, (uint64_t)sum.low64);
}
