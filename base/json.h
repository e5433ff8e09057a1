/*
 * json: reading (a strict RFC 8259 validator, then jsmn) and writing.
 *
 * jsmn alone accepts `{"a":1 "b":2}`, `01` and bad UTF-8, hence the validator over the same bytes first:
 * grammar, UTF-8, no lone surrogates, no \u0000, depth and token count bounded.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 32
#define JSON_TOKENS_MAX 16384

/* ---- reading ---- */

enum json_kind { JSON_NONE, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json { /* a parsed text; borrows the bytes, which must outlive it */
    struct text bytes;
    void *tokens; /* `count` of jsmn's, for json_read.c alone */
    int count;
    char why[96]; /* after an error: what is wrong and at which byte */
};

/* A place in a `struct json`; `doc` NULL = absent. Copy freely; valid as long as the json. */
struct json_value {
    const struct json *doc;
    int index;
};

/*
 * ERR_BAD_JSON: not JSON, too deep, too many tokens, trailing bytes. ERR_BAD_TEXT: not UTF-8, a lone
 * surrogate or NUL (also escaped). Always json_fini() afterwards, also after an error.
 */
MUST_CHECK enum err json_parse(struct json *json, struct text bytes);
/* The same with another bound on the tokens, which are names, values, objects and arrays. */
MUST_CHECK enum err json_parse_up_to(struct json *json, struct text bytes, int tokens_max);
/* The same check alone, without tokens: for payloads that are only passed on. */
MUST_CHECK enum err json_validate(struct text bytes, char why[96]);
bool json_is_valid(struct text bytes); /* the same where nobody asks why not; nothing is no JSON */
void json_fini(struct json *json);

struct json_value json_root(const struct json *json);
enum json_kind json_kind(struct json_value value); /* JSON_NONE when absent */
bool json_is_given(struct json_value value);       /* there, and not null */
struct text json_raw(struct json_value value);     /* the bytes as they stand, quotes included */

/* Member `name` of an object; absent when it is not there or `object` is none. A doubled name: the first. */
struct json_value json_get(struct json_value object, const char *name);

/*
 * Walks an object's members or an array's items:
 * for (struct json_iter it = json_iter(v); json_next(&it);) use it.key (objects only: raw, between the
 * quotes) and it.value.
 */
struct json_iter {
    struct json_value of;
    int at, left;
    struct text key;
    struct json_value value;
};
struct json_iter json_iter(struct json_value of);
bool json_next(struct json_iter *iter);
void json_unescape(struct text raw, struct buf *out); /* appends what a raw key means */
size_t json_size(struct json_value of); /* members or items */

bool json_to_i64(struct json_value value, int64_t *out);   /* a whole number within int64; no fraction, no exponent */
bool json_to_u64(struct json_value value, uint64_t *out);   /* the same within uint64 */
bool json_to_bool(struct json_value value, bool *out);
bool json_to_text(struct json_value value, struct buf *out); /* appends the unescaped string */

/* ---- writing ---- */

/* Appends to a buffer and puts the commas. No checks of nesting: the tests see to that. */
struct json_out {
    struct buf *buf;
    bool comma; /* the next value needs one before it */
};

void json_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_key(struct json_out *out, const char *name); /* needs no escaping */
void json_name(struct json_out *out, struct text name); /* a key that is somebody's text; UTF-8 */
void json_text(struct json_out *out, struct text value); /* must be UTF-8; escapes what RFC 8259 asks for */
void json_i64(struct json_out *out, int64_t value);
void json_u64(struct json_out *out, uint64_t value);
void json_id(struct json_out *out, int64_t id); /* as a string of digits */
void json_bool(struct json_out *out, bool value);
void json_null(struct json_out *out);
void json_time(struct json_out *out, int64_t wall_us); /* RFC 3339 */
void json_raw_value(struct json_out *out, struct text value); /* JSON as it stands */

/* Key and value in one. */
void json_key_text(struct json_out *out, const char *name, struct text value);
void json_key_i64(struct json_out *out, const char *name, int64_t value);
void json_key_u64(struct json_out *out, const char *name, uint64_t value);
void json_key_id(struct json_out *out, const char *name, int64_t id);
void json_key_bool(struct json_out *out, const char *name, bool value);
void json_key_time(struct json_out *out, const char *name, int64_t wall_us);
void json_key_time_exact(struct json_out *out, const char *name, int64_t wall_us); /* with microseconds */
void json_key_raw(struct json_out *out, const char *name, struct text value);
void json_key_base64(struct json_out *out, const char *name, struct text bytes); /* with padding */
