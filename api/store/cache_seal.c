#include "api/store/cache_seal.h"

#include <string.h>

#include "base/checksum.h"

static void write_sum(char digits[CACHE_SEAL_BYTES], struct text value, struct text key,
                      struct text field)
{
    const uint64_t sum = checksum(checksum(checksum(0, key), field), value);

    for (int i = 0; i < CACHE_SEAL_BYTES; i++)
        digits[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
}

void cache_seal(struct buf *out, size_t from, struct text key, struct text field)
{
    char digits[CACHE_SEAL_BYTES];

    write_sum(digits, text_of(out->at + from, out->len - from), key, field);
    buf_add(out, digits, CACHE_SEAL_BYTES);
}

bool cache_unseal(struct text *value, struct text key, struct text field)
{
    char digits[CACHE_SEAL_BYTES];

    if (value->len < CACHE_SEAL_BYTES)
        return false;
    const struct text bare = text_of(value->at, value->len - CACHE_SEAL_BYTES);
    write_sum(digits, bare, key, field);
    if (memcmp(bare.at + bare.len, digits, CACHE_SEAL_BYTES) != 0)
        return false;
    *value = bare;
    return true;
}
