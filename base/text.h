/*
 * text: a borrowed run of bytes with its length. Owns nothing, need not end in NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
    const char *at; /* may be NULL when `len` is 0 */
    size_t len;
};

/* For printf: printf("%.*s", TEXT_ARGS(name)). */
#define TEXT_ARGS(t) (int)(t).len, (t).at

/* A string literal as a constant initialiser. */
#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

/* A view of a C string; NULL gives the empty text. */
static inline struct text text(const char *string)
{
    return (struct text){string, string != NULL ? strlen(string) : 0};
}

static inline struct text text_of(const void *bytes, size_t len)
{
    return (struct text){bytes, len};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool text_starts(struct text whole, struct text start)
{
    return whole.len >= start.len && (start.len == 0 || memcmp(whole.at, start.at, start.len) == 0);
}

/* What a hex digit counts for, 0 to 15; -1: it is none. */
static inline int text_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Copies it to `*to`, which moves behind the copy; an empty text needs no place. */
static inline struct text text_copy(struct text from, char **to)
{
    char *at = *to;

    if (from.len == 0)
        return (struct text){0};
    memcpy(at, from.at, from.len);
    *to += from.len;
    return text_of(at, from.len);
}

/* What follows the first `count` bytes. */
static inline struct text text_after(struct text whole, size_t count)
{
    return (struct text){whole.at + count, whole.len - count};
}
