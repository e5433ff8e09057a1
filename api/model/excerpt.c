#include "api/model/excerpt.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/buf.h"

#define WORDS_MAX 32 /* that are marked */

#define CHARS_BEFORE 60 /* of those that are shown, so many stand before the first hit */
#define WORD_CHARS   20 /* at most so many are looked through for a word's beginning */

static const struct text ellipsis = TEXT("…");

/* Letters beyond ASCII are all taken for parts of words. */
static bool is_word_byte(char byte)
{
    const unsigned char c = (unsigned char)byte;
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_whole(struct text message, size_t at, size_t len)
{
    return (at == 0 || !is_word_byte(message.at[at - 1]) || !is_word_byte(message.at[at])) &&
           (at + len == message.len || !is_word_byte(message.at[at + len]) || !is_word_byte(message.at[at + len - 1]));
}

static void mark(struct text message, struct text word, bool whole_words, bool *hits)
{
    for (size_t at = 0; word.len > 0 && at + word.len <= message.len;) {
        const char *found = memmem(message.at + at, message.len - at, word.at, word.len);
        if (found == NULL)
            return;
        const size_t from = (size_t)(found - message.at);
        at = from + 1;
        if (whole_words && !is_whole(message, from, word.len))
            continue;
        for (size_t i = from; i < from + word.len; i++)
            hits[i] = true;
        at = from + word.len;
    }
}

/* Each word is a walk through the message, which may hold one in a thousand spellings. */
static void mark_all(struct text message, struct text found, bool whole_words, bool *hits)
{
    for (int words = 0; words < WORDS_MAX && found.len > 0; words++) {
        const char *end = memchr(found.at, EXCERPT_SEPARATOR, found.len);
        const struct text word = text_of(found.at, end != NULL ? (size_t)(end - found.at) : found.len);
        mark(message, word, whole_words, hits);
        found = text_after(found, word.len + (end != NULL ? 1 : 0));
    }
}

static bool begins_char(struct text message, size_t at)
{
    return at == message.len || ((unsigned char)message.at[at] & 0xc0) != 0x80;
}

static size_t back(struct text message, size_t at, int chars)
{
    while (at > 0 && chars > 0)
        if (begins_char(message, --at))
            chars--;
    return at;
}

static size_t forth(struct text message, size_t at, int chars)
{
    while (at < message.len && chars > 0)
        if (begins_char(message, ++at))
            chars--;
    return at;
}

/* Rather with a whole word, if one begins soon. */
static size_t to_word(struct text message, size_t at, size_t until)
{
    const size_t most = forth(message, at, WORD_CHARS);

    for (size_t i = at; i < until && i < most; i++)
        if (message.at[i] == ' ' || message.at[i] == '\n')
            return i + 1;
    return at;
}

static size_t units_of(char byte)
{
    const unsigned char c = (unsigned char)byte;
    return (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
}

static void write_hits(struct json_out *out, struct text message, const bool *hits, size_t from, size_t to)
{
    size_t units = from > 0 ? 1 : 0; /* the ellipsis */

    json_key(out, "hits");
    json_open(out, '[');
    for (size_t i = from; i <= to; i++) {
        const bool before = i > from && hits[i - 1], here = i < to && hits[i];
        if (here && !before) {
            json_open(out, '[');
            json_i64(out, (int64_t)units);
        } else if (before && !here) {
            json_i64(out, (int64_t)units);
            json_close(out, ']');
        }
        units += i < to ? units_of(message.at[i]) : 0;
    }
    json_close(out, ']');
}

void excerpt_write(struct json_out *out, struct text message, struct text found, bool whole_words)
{
    bool *hits = xcalloc(message.len + 1, sizeof(*hits));
    struct buf shown = {0};
    size_t first = 0;

    mark_all(message, found, whole_words, hits);
    while (first < message.len && !hits[first])
        first++;
    if (first == message.len)
        first = 0; /* what was found is no word that stands there (it was edited just now): the beginning, then */
    size_t from = back(message, first, CHARS_BEFORE);
    if (from > 0)
        from = to_word(message, from, first);
    const size_t to = forth(message, from, EXCERPT_CHARS);

    if (from > 0)
        buf_add_text(&shown, ellipsis);
    buf_add(&shown, message.at + from, to - from);
    if (to < message.len)
        buf_add_text(&shown, ellipsis);
    json_open(out, '{');
    json_key_text(out, "text", buf_text(&shown));
    write_hits(out, message, hits, from, to);
    json_close(out, '}');
    buf_fini(&shown);
    free(hits);
}
