#include "base/id.h"

#include <sodium.h>

void id_init(void)
{
    CHECK(sodium_init() >= 0);
}

uint64_t id_random(void)
{
    uint64_t number;

    do
        randombytes_buf(&number, sizeof(number));
    while (number == 0);
    return number;
}

void id_random_bytes(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void id_uuid(char out[ID_UUID_BYTES])
{
    unsigned char bytes[16];
    char hex[2 * sizeof(bytes) + 1];

    randombytes_buf(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant 10 */
    sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
    for (const char *from = hex; *from != '\0'; from++) {
        if (from == hex + 8 || from == hex + 12 || from == hex + 16 || from == hex + 20)
            *out++ = '-';
        *out++ = *from;
    }
    *out = '\0';
}

bool id_parse(struct text digits, int64_t *id)
{
    int64_t number = 0;

    if (digits.len == 0 || digits.len > ID_DIGITS_MAX || digits.at[0] == '0')
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        const char c = digits.at[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, c - '0', &number))
            return false;
    }
    *id = number;
    return true;
}
