/*
 * buf: bytes that grow. Zero-initialised is empty and valid. Any thread, one at a time.
 */
#pragma once

#include "base/base.h"
#include "base/text.h"

struct buf {
    char *at; /* NULL while `cap` is 0 */
    size_t len;
    size_t cap;
};

void buf_fini(struct buf *buf); /* frees; `buf` is empty and usable again */
static inline void buf_reset(struct buf *buf)
{
    buf->len = 0;
}
static inline struct text buf_text(const struct buf *buf)
{
    return (struct text){buf->at, buf->len};
}

char *buf_grow(struct buf *buf, size_t count); /* buf_reserve()'s, when there is no room */
/* Room for `count` more bytes; returns where they go. The caller adds to `len` what it wrote. */
static inline char *buf_reserve(struct buf *buf, size_t count)
{
    return count < buf->cap - buf->len ? buf->at + buf->len : buf_grow(buf, count);
}

static inline void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return; /* `bytes` may be NULL then */
    memcpy(buf_reserve(buf, len), bytes, len);
    buf->len += len;
}
static inline void buf_add_text(struct buf *buf, struct text text)
{
    buf_add(buf, text.at, text.len);
}
static inline void buf_add_byte(struct buf *buf, char byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->len++;
}
void buf_add_i64(struct buf *buf, int64_t number);  /* decimal */
void buf_add_u64(struct buf *buf, uint64_t number); /* the same */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A C string of the content; adds a NUL that is not counted in `len`. */
const char *buf_cstring(struct buf *buf);
