#include "base/json_check.h"

#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"

/* jsmn counts in `int`; bodies are far smaller, this only keeps the arithmetic honest. */
#define JSON_BYTES_MAX (256 * 1024 * 1024)

struct checker {
    const char *start, *at, *end;
    int tokens, tokens_max, depth;
    char *why; /* WHY_BYTES */
};

static const size_t WHY_BYTES = sizeof(((struct json *)0)->why);

static enum err check_value(struct checker *c);

/* Never quotes the input: `why` reaches logs and other people's error documents. */
static enum err fail(struct checker *c, enum err err, const char *what)
{
    snprintf(c->why, WHY_BYTES, "%s at byte %zu", what, (size_t)(c->at - c->start));
    return err;
}

static char peek(const struct checker *c)
{
    return c->at < c->end ? *c->at : '\0'; /* NUL fits nowhere in JSON, so it may mean the end */
}

static void skip_space(struct checker *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

static enum err count_token(struct checker *c)
{
    if (c->tokens >= c->tokens_max)
        return fail(c, ERR_BAD_JSON, "too many values");
    c->tokens++;
    return ERR_OK;
}

int json_hex4(const char *at)
{
    int number = 0;

    for (int i = 0; i < 4; i++) {
        const int digit = text_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        number = number * 16 + digit;
    }
    return number;
}

/* The code unit of "\uXXXX" at `at`; -1 when that is not there. */
static int peek_unit(const struct checker *c)
{
    return c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u' ? json_hex4(c->at + 2) : -1;
}

/* At "\u". RFC 8259 8.2 leaves lone surrogates open; nobody could store or show them. */
static enum err check_unicode_escape(struct checker *c)
{
    const int unit = peek_unit(c);
    if (unit < 0)
        return fail(c, ERR_BAD_JSON, "four hex digits expected");
    if (unit == 0)
        return fail(c, ERR_BAD_TEXT, "an escaped NUL");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail(c, ERR_BAD_TEXT, "a lone surrogate");
    c->at += 6;
    if (unit < 0xd800 || unit > 0xdbff)
        return ERR_OK;
    const int low = peek_unit(c);
    if (low < 0xdc00 || low > 0xdfff)
        return fail(c, ERR_BAD_TEXT, "a lone surrogate");
    c->at += 6;
    return ERR_OK;
}

static enum err check_escape(struct checker *c)
{
    if (c->end - c->at >= 2 && c->at[1] == 'u')
        return check_unicode_escape(c);
    if (c->end - c->at < 2 || c->at[1] == '\0' || strchr("\"\\/bfnrt", c->at[1]) == NULL)
        return fail(c, ERR_BAD_JSON, "an unknown escape");
    c->at += 2;
    return ERR_OK;
}

static bool is_plain(char byte)
{
    const unsigned char u = (unsigned char)byte;
    return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

static void skip_plain(struct checker *c)
{
    uint64_t eight;

    for (; c->end - c->at >= (ptrdiff_t)sizeof(eight); c->at += sizeof(eight)) {
        memcpy(&eight, c->at, sizeof(eight));
        if (!bytes_are_plain(eight))
            break;
    }
    while (c->at < c->end && is_plain(*c->at))
        c->at++;
}

static enum err check_string(struct checker *c)
{
    enum err err;

    if ((err = count_token(c)) != ERR_OK)
        return err;
    c->at++; /* the quote, seen by the caller */
    for (;;) {
        skip_plain(c);
        if (c->at == c->end)
            return fail(c, ERR_BAD_JSON, "a string without its end");
        const unsigned char byte = (unsigned char)*c->at;
        if (byte == '"') {
            c->at++;
            return ERR_OK;
        }
        if (byte == '\\') {
            if ((err = check_escape(c)) != ERR_OK)
                return err;
        } else if (byte == 0) {
            return fail(c, ERR_BAD_TEXT, "NUL in a string");
        } else if (byte < 0x20) {
            return fail(c, ERR_BAD_JSON, "a bare control character in a string");
        } else {
            const size_t bytes = utf8_char_bytes(text_of(c->at, (size_t)(c->end - c->at)));
            if (bytes == 0)
                return fail(c, ERR_BAD_TEXT, "not UTF-8");
            c->at += bytes;
        }
    }
}

static bool skip_digits(struct checker *c)
{
    const char *first = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > first;
}

/* RFC 8259 6: -? (0 | 1-9 digits) (. digits)? ([eE] [+-]? digits)? */
static enum err check_number(struct checker *c)
{
    if (peek(c) == '-')
        c->at++;
    if (peek(c) == '0')
        c->at++; /* a further digit is then something unexpected to the caller */
    else if (!skip_digits(c))
        return fail(c, ERR_BAD_JSON, "a digit expected");
    if (peek(c) == '.') {
        c->at++;
        if (!skip_digits(c))
            return fail(c, ERR_BAD_JSON, "a digit expected");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->at++;
        if (peek(c) == '+' || peek(c) == '-')
            c->at++;
        if (!skip_digits(c))
            return fail(c, ERR_BAD_JSON, "a digit expected");
    }
    return count_token(c);
}

static enum err check_word(struct checker *c, struct text word)
{
    if (!text_starts(text_of(c->at, (size_t)(c->end - c->at)), word))
        return fail(c, ERR_BAD_JSON, "a value expected");
    c->at += word.len;
    return count_token(c);
}

static enum err check_member(struct checker *c)
{
    enum err err;

    if (peek(c) != '"')
        return fail(c, ERR_BAD_JSON, "a member's name expected");
    if ((err = check_string(c)) != ERR_OK)
        return err;
    skip_space(c);
    if (peek(c) != ':')
        return fail(c, ERR_BAD_JSON, "':' expected");
    c->at++;
    skip_space(c);
    return check_value(c);
}

/* At the opening bracket. Recursion through check_value() ends at JSON_DEPTH_MAX. */
static enum err check_list(struct checker *c, char close, enum err (*check_item)(struct checker *))
{
    enum err err;

    if (c->depth >= JSON_DEPTH_MAX)
        return fail(c, ERR_BAD_JSON, "nested too deep");
    if ((err = count_token(c)) != ERR_OK)
        return err;
    c->depth++;
    c->at++;
    skip_space(c);
    if (peek(c) != close) {
        for (;;) {
            if ((err = check_item(c)) != ERR_OK)
                return err;
            skip_space(c);
            if (peek(c) != ',')
                break;
            c->at++;
            skip_space(c);
        }
        if (peek(c) != close)
            return fail(c, ERR_BAD_JSON,
                        close == '}' ? "',' or '}' expected" : "',' or ']' expected");
    }
    c->at++;
    c->depth--;
    return ERR_OK;
}

static enum err check_value(struct checker *c)
{
    switch (peek(c)) {
    case '{':
        return check_list(c, '}', check_member);
    case '[':
        return check_list(c, ']', check_value);
    case '"':
        return check_string(c);
    case 't':
        return check_word(c, TEXT("true"));
    case 'f':
        return check_word(c, TEXT("false"));
    case 'n':
        return check_word(c, TEXT("null"));
    case '-':
    case '0' ... '9':
        return check_number(c);
    default:
        return fail(c, ERR_BAD_JSON, "a value expected");
    }
}

enum err json_check(struct text bytes, int tokens_max, int *tokens, char why[96])
{
    struct checker c = {
        bytes.at, bytes.at, bytes.at + bytes.len, .tokens_max = tokens_max, .why = why,
    };
    enum err err;

    *tokens = 0;
    why[0] = '\0';
    if (bytes.len > JSON_BYTES_MAX)
        return fail(&c, ERR_BAD_JSON, "too long");
    if (bytes.len == 0) /* `at` may be NULL */
        return fail(&c, ERR_BAD_JSON, "a value expected");
    skip_space(&c);
    if ((err = check_value(&c)) != ERR_OK)
        return err;
    skip_space(&c);
    if (c.at != c.end)
        return fail(&c, ERR_BAD_JSON, "something after the value");
    *tokens = c.tokens;
    return ERR_OK;
}

enum err json_validate(struct text bytes, char why[96])
{
    int tokens;
    return json_check(bytes, JSON_TOKENS_MAX, &tokens, why);
}

bool json_is_valid(struct text bytes)
{
    char why[96];

    return json_validate(bytes, why) == ERR_OK;
}
