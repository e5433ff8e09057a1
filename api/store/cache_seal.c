#include "api/store/cache_seal.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

/*
 * Each step can be undone, so two texts that differ in one word of 8 bytes never come to the same.
 */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

static uint64_t mix_text(uint64_t sum, struct text t)
{
    uint64_t word;

    for (; t.len >= sizeof(word); t = text_after(t, sizeof(word))) {
        memcpy(&word, t.at, sizeof(word));
        sum = mix(sum, le64toh(word));
    }
    word = 0;
    if (t.len > 0)
        memcpy(&word, t.at, t.len);
    /* the length tells "a" from "a\0", and where key, field and value end */
    return mix(mix(sum, le64toh(word)), t.len);
}

static void write_sum(char digits[CACHE_SEAL_BYTES], struct text value, struct text key,
                      struct text field)
{
    const uint64_t sum = mix_text(mix_text(mix_text(0, key), field), value);

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
