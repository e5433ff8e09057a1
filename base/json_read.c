#include "base/json.h"

#include <stdlib.h>

/* Not JSMN_STRICT: the validator is stricter, and strict jsmn refuses a text that is one bare
 * number or word. Without parent links a closing bracket walks back over all its siblings:
 * quadratic. */
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#include "base/json_check.h"
#include "base/utf8.h"

enum err json_parse_up_to(struct json *json, struct text bytes, int tokens_max)
{
    jsmn_parser parser;
    int tokens;
    enum err err;

    *json = (struct json){.bytes = bytes};
    if ((err = json_check(bytes, tokens_max, &tokens, json->why)) != ERR_OK)
        return err;
    json->tokens = xmalloc((size_t)tokens * sizeof(jsmntok_t));
    jsmn_init(&parser);
    json->count = jsmn_parse(&parser, bytes.at, bytes.len, json->tokens, (unsigned)tokens);
    CHECK(json->count ==
          tokens); /* the validator accepts only what jsmn understands in the same way */
    return ERR_OK;
}

enum err json_parse(struct json *json, struct text bytes)
{
    return json_parse_up_to(json, bytes, JSON_TOKENS_MAX);
}

void json_fini(struct json *json)
{
    free(json->tokens);
    json->tokens = NULL;
    json->count = 0;
}

static struct json_value value_at(const struct json *json, int index)
{
    return index < json->count ? (struct json_value){json, index} : (struct json_value){0};
}

static const jsmntok_t *token_of(struct json_value value)
{
    return (const jsmntok_t *)value.doc->tokens + value.index;
}

/* Strings without their quotes. */
static struct text bytes_of(struct json_value value)
{
    const jsmntok_t *token = token_of(value);
    return text_of(value.doc->bytes.at + token->start, (size_t)(token->end - token->start));
}

/* The index of the first token behind `value` and all that it contains. */
static int index_behind(struct json_value value)
{
    const jsmntok_t *tokens = value.doc->tokens;
    const int end = tokens[value.index].end;
    int index = value.index + 1;

    while (index < value.doc->count && tokens[index].start < end)
        index++;
    return index;
}

struct json_value json_root(const struct json *json)
{
    return value_at(json, 0);
}

enum json_kind json_kind(struct json_value value)
{
    if (value.doc == NULL)
        return JSON_NONE;
    switch (token_of(value)->type) {
    case JSMN_OBJECT:
        return JSON_OBJECT;
    case JSMN_ARRAY:
        return JSON_ARRAY;
    case JSMN_STRING:
        return JSON_STRING;
    default:
        break;
    }
    switch (bytes_of(value).at[0]) {
    case 'n':
        return JSON_NULL;
    case 't':
    case 'f':
        return JSON_BOOL;
    default:
        return JSON_NUMBER;
    }
}

bool json_is_given(struct json_value value)
{
    const enum json_kind kind = json_kind(value);
    return kind != JSON_NONE && kind != JSON_NULL;
}

struct text json_raw(struct json_value value)
{
    const enum json_kind kind = json_kind(value);
    if (kind == JSON_NONE)
        return (struct text){0};
    const struct text bytes = bytes_of(value);
    return kind == JSON_STRING ? text_of(bytes.at - 1, bytes.len + 2) : bytes;
}

struct json_iter json_iter(struct json_value of)
{
    const enum json_kind kind = json_kind(of);
    struct json_iter iter = {.of = of};

    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        iter.at = of.index + 1;
        iter.left = token_of(of)->size;
    }
    return iter;
}

bool json_next(struct json_iter *iter)
{
    if (iter->left == 0)
        return false;
    iter->left--;
    iter->value = value_at(iter->of.doc, iter->at);
    if (token_of(iter->of)->type == JSMN_OBJECT) {
        iter->key = bytes_of(iter->value);
        iter->value.index++; /* jsmn: the value follows its name */
    }
    iter->at = index_behind(iter->value);
    return true;
}

size_t json_size(struct json_value of)
{
    return (size_t)json_iter(of).left;
}

/* `raw` was validated: each escape is whole and each high surrogate has its low one. */
void json_unescape(struct text raw, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";

    while (raw.len > 0) {
        const char *slash = memchr(raw.at, '\\', raw.len);
        const size_t plain = slash != NULL ? (size_t)(slash - raw.at) : raw.len;
        buf_add(out, raw.at, plain);
        raw = text_after(raw, plain);
        if (raw.len == 0)
            return;
        if (raw.at[1] != 'u') {
            buf_add_byte(out, bytes[strchr(letters, raw.at[1]) - letters]);
            raw = text_after(raw, 2);
            continue;
        }
        uint32_t code = (uint32_t)json_hex4(raw.at + 2);
        raw = text_after(raw, 6);
        if (code >= 0xd800 && code <= 0xdbff) {
            code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)json_hex4(raw.at + 2) - 0xdc00);
            raw = text_after(raw, 6);
        }
        out->len += utf8_encode(code, buf_reserve(out, 4));
    }
}

/* Names are compared as what they mean: "a" may be written \u0061, which is longer. */
static bool is_named(struct text raw, struct text name)
{
    if (raw.len <= name.len)
        return text_equal(raw, name);
    if (memchr(raw.at, '\\', raw.len) == NULL)
        return false;
    struct buf plain = {0};
    json_unescape(raw, &plain);
    const bool equal = text_equal(buf_text(&plain), name);
    buf_fini(&plain);
    return equal;
}

/* Without an iterator: tokens and commands are looked through for a dozen names each. */
struct json_value json_get(struct json_value object, const char *name)
{
    const struct text wanted = text(name);
    const jsmntok_t *tokens;

    if (json_kind(object) != JSON_OBJECT)
        return (struct json_value){0};
    tokens = object.doc->tokens;
    for (int left = tokens[object.index].size, at = object.index + 1; left > 0; left--) {
        const struct json_value value = value_at(object.doc, at + 1); /* jsmn: it follows its name */
        if (is_named(bytes_of(value_at(object.doc, at)), wanted))
            return value;
        at = tokens[at + 1].size == 0 ? at + 2 : index_behind(value);
    }
    return (struct json_value){0};
}

bool json_to_i64(struct json_value value, int64_t *out)
{
    int64_t number = 0;

    if (json_kind(value) != JSON_NUMBER)
        return false;
    struct text digits = bytes_of(value);
    const bool negative = digits.at[0] == '-';
    if (negative)
        digits = text_after(digits, 1);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false; /* a fraction or an exponent */
        const int digit = digits.at[i] - '0';
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return false;
    }
    *out = number;
    return true;
}

bool json_to_u64(struct json_value value, uint64_t *out)
{
    uint64_t number = 0;

    if (json_kind(value) != JSON_NUMBER)
        return false;
    const struct text digits = bytes_of(value);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false; /* a sign, a fraction or an exponent */
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(digits.at[i] - '0'), &number))
            return false;
    }
    *out = number;
    return true;
}

bool json_to_bool(struct json_value value, bool *out)
{
    if (json_kind(value) != JSON_BOOL)
        return false;
    *out = bytes_of(value).at[0] == 't';
    return true;
}

bool json_to_text(struct json_value value, struct buf *out)
{
    if (json_kind(value) != JSON_STRING)
        return false;
    json_unescape(bytes_of(value), out);
    return true;
}
