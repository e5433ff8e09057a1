#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

void buf_fini(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){0};
}

char *buf_grow(struct buf *buf, size_t count)
{
    CHECK(count <= SIZE_MAX / 2 - buf->len);
    const size_t needed = buf->len + count;
    if (needed > buf->cap || buf->at == NULL) {
        size_t cap = buf->cap != 0 ? buf->cap : BUF_FIRST_BYTES;
        while (cap < needed)
            cap *= 2;
        buf->at = xrealloc(buf->at, cap);
        buf->cap = cap;
    }
    return buf->at + buf->len;
}

void buf_add_u64(struct buf *buf, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char digits[20]; /* "18446744073709551615" */
    char *at = digits + sizeof(digits);

    for (; number >= 100; number /= 100)
        memcpy(at -= 2, pairs + 2 * (number % 100), 2);
    if (number >= 10)
        memcpy(at -= 2, pairs + 2 * number, 2);
    else
        *--at = (char)('0' + number);
    buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_add_i64(struct buf *buf, int64_t number)
{
    if (number < 0)
        buf_add_byte(buf, '-');
    buf_add_u64(buf, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);

    buf_reserve(buf, 1);
    const size_t room = buf->cap - buf->len;
    const int len = vsnprintf(buf->at + buf->len, room, format, args);
    CHECK(len >= 0);
    if ((size_t)len >= room) /* did not fit: now we know how much it is */
        vsnprintf(buf_reserve(buf, (size_t)len + 1), (size_t)len + 1, format, again);
    buf->len += (size_t)len;

    va_end(again);
    va_end(args);
}

const char *buf_cstring(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return buf->at;
}
