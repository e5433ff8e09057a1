#include "gateway/protocol/deflate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#define LEVEL             1
#define WINDOW_BITS       15
#define WINDOW_BITS_LEAST 8    /* RFC 7692 7.1.2.1 */
#define MEMORY_LEVEL      8    /* zlib's own choice */
#define FLUSH_BYTES       16   /* for an empty block, which deflateBound() does not reckon with */
#define INFLATE_FIRST     1024 /* bytes; doubled as needed */

/* RFC 7692 7.2.1: the empty block that a sender cuts off and a receiver puts back. */
static const unsigned char tail[4] = {0x00, 0x00, 0xff, 0xff};

/* ---- the streams of a thread ---- */

struct streams {
    z_stream deflate, inflate;
    bool has_deflate, has_inflate;
};

static pthread_key_t streams_key;
static pthread_once_t streams_once = PTHREAD_ONCE_INIT;

static void free_streams(void *arg)
{
    struct streams *streams = arg;
    if (streams->has_deflate)
        deflateEnd(&streams->deflate);
    if (streams->has_inflate)
        inflateEnd(&streams->inflate);
    free(streams);
}

static void make_key(void)
{
    CHECK(pthread_key_create(&streams_key, free_streams) == 0);
}

static struct streams *streams_of_thread(void)
{
    struct streams *streams;

    CHECK(pthread_once(&streams_once, make_key) == 0);
    if ((streams = pthread_getspecific(streams_key)) == NULL) {
        streams = xcalloc(1, sizeof(*streams));
        CHECK(pthread_setspecific(streams_key, streams) == 0);
    }
    return streams;
}

/* Ready for a new message. Raw deflate: negative bits say that there is no header. */
static z_stream *fresh_deflate(void)
{
    struct streams *streams = streams_of_thread();

    if (streams->has_deflate)
        CHECK(deflateReset(&streams->deflate) == Z_OK);
    else
        CHECK(deflateInit2(&streams->deflate, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                           Z_DEFAULT_STRATEGY) == Z_OK);
    streams->has_deflate = true;
    return &streams->deflate;
}

static z_stream *fresh_inflate(void)
{
    struct streams *streams = streams_of_thread();

    if (streams->has_inflate)
        CHECK(inflateReset(&streams->inflate) == Z_OK);
    else
        CHECK(inflateInit2(&streams->inflate, -WINDOW_BITS) == Z_OK);
    streams->has_inflate = true;
    return &streams->inflate;
}

/* ---- messages ---- */

void deflate_message(struct buf *out, struct text message)
{
    z_stream *stream = fresh_deflate();

    CHECK(message.len <= UINT32_MAX / 2);
    const size_t room = deflateBound(stream, message.len) + FLUSH_BYTES;
    stream->next_in = (const Bytef *)message.at;
    stream->avail_in = (uInt)message.len;
    stream->next_out = (Bytef *)buf_reserve(out, room);
    stream->avail_out = (uInt)room;
    CHECK(deflate(stream, Z_SYNC_FLUSH) == Z_OK && stream->avail_in == 0 && stream->avail_out > 0);
    out->len += room - stream->avail_out;
    CHECK(memcmp(out->at + out->len - sizeof(tail), tail, sizeof(tail)) == 0);
    out->len -= sizeof(tail);
}

/* A message under way: `out` has what is inflated from `start` on. */
struct inflation {
    z_stream *stream;
    struct buf *out;
    size_t start, max;
};

/* Gives zlib room in `out`, as much as there is or doubling it, but never beyond `max`; false: that
 * is reached. Not by buf_reserve(), which may take twice what it is asked for. */
static bool give_room(struct inflation *inflation)
{
    struct buf *out = inflation->out;
    const size_t made = out->len - inflation->start, left = inflation->max - made;

    if (left == 0)
        return false;
    if (out->len == out->cap) {
        const size_t wanted = made < INFLATE_FIRST ? INFLATE_FIRST : made;
        out->cap += wanted < left ? wanted : left;
        out->at = xrealloc(out->at, out->cap);
    }
    const size_t room = out->cap - out->len < left ? out->cap - out->len : left;
    inflation->stream->next_out = (Bytef *)out->at + out->len;
    inflation->stream->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
    return true;
}

/* One step into `out`, or when that is full into a byte beside it, which must remain unwritten. */
static enum err inflate_step(struct inflation *inflation)
{
    z_stream *stream = inflation->stream;
    Bytef beside;
    const bool has_room = give_room(inflation);

    if (!has_room) {
        stream->next_out = &beside;
        stream->avail_out = 1;
    }
    const uInt room = stream->avail_out;
    const int outcome = inflate(stream, Z_SYNC_FLUSH);
    CHECK(outcome != Z_MEM_ERROR && outcome != Z_STREAM_ERROR);
    if (!has_room && stream->avail_out == 0)
        return ERR_TOO_LARGE;
    if (has_room)
        inflation->out->len += room - stream->avail_out;
    /* 7.2.3.4: a block may call itself the last one, and others follow nevertheless. */
    if (outcome == Z_STREAM_END && stream->avail_in > 0)
        CHECK(inflateReset(stream) == Z_OK);
    /* Z_BUF_ERROR is none: there was nothing to do. */
    return outcome == Z_OK || outcome == Z_STREAM_END || outcome == Z_BUF_ERROR ? ERR_OK
                                                                                : ERR_INVALID;
}

static enum err inflate_piece(struct inflation *inflation, const void *bytes, size_t len)
{
    z_stream *stream = inflation->stream;
    enum err err;

    stream->next_in = bytes;
    stream->avail_in = (uInt)len;
    do {
        if ((err = inflate_step(inflation)) != ERR_OK)
            return err;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return ERR_OK;
}

/* zlib.h, inflate(): 128 says that a block has just ended, the low bits how many bits are left
 * over; none are after the tail, if it was read as the empty block that it is. */
static bool is_between_blocks(const z_stream *stream)
{
    return (stream->data_type & 128) != 0 && (stream->data_type & 63) == 0;
}

enum err inflate_message(struct buf *out, struct text compressed, size_t max)
{
    struct inflation inflation = {.out = out, .start = out->len, .max = max};
    enum err err;

    if (compressed.len > UINT32_MAX)
        return ERR_TOO_LARGE;
    inflation.stream = fresh_inflate();
    if ((err = inflate_piece(&inflation, compressed.at, compressed.len)) == ERR_OK &&
        (err = inflate_piece(&inflation, tail, sizeof(tail))) == ERR_OK &&
        !is_between_blocks(inflation.stream))
        err = ERR_INVALID;
    if (err != ERR_OK)
        out->len = inflation.start;
    return err;
}

/* ---- negotiation ---- */

enum param { SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT, SERVER_BITS, CLIENT_BITS };

static const char *const param_names[] = {
    [SERVER_NO_CONTEXT] = "server_no_context_takeover",
    [CLIENT_NO_CONTEXT] = "client_no_context_takeover",
    [SERVER_BITS] = "server_max_window_bits",
    [CLIENT_BITS] = "client_max_window_bits",
};

/* What stands between separators; there is one more of it than of those. */
struct parts {
    struct text rest;
    char separator;
    bool ended;
};

static struct text trim(struct text text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = text_after(text, 1);
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* The next part, trimmed; separators in quoted strings (RFC 7230 3.2.6) are none. */
static bool next_part(struct parts *parts, struct text *part)
{
    const struct text rest = parts->rest;
    bool quoted = false;
    size_t end = 0;

    if (parts->ended)
        return false;
    for (; end < rest.len && (quoted || rest.at[end] != parts->separator); end++) {
        if (rest.at[end] == '"')
            quoted = !quoted;
        else if (quoted && rest.at[end] == '\\' && end + 1 < rest.len)
            end++;
    }
    parts->ended = end == rest.len;
    if (!parts->ended)
        parts->rest = text_after(rest, end + 1);
    *part = trim(text_of(rest.at, end));
    return true;
}

/* 8 to 15, without leading zeros, perhaps in quotes; 0: it is something else. */
static int window_bits(struct text value)
{
    int bits = 0;

    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        value = text_of(value.at + 1, value.len - 2);
    if (value.len == 0 || value.len > 2 || value.at[0] == '0')
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        bits = bits * 10 + (value.at[i] - '0');
    }
    return bits >= WINDOW_BITS_LEAST && bits <= WINDOW_BITS ? bits : 0;
}

/* `value` NULL: there is none. Our window has 15 bits; a client's may have fewer, and we need not
 * know. */
static bool accept_value(enum param param, const struct text *value)
{
    switch (param) {
    case SERVER_BITS:
        return value != NULL && window_bits(*value) == WINDOW_BITS;
    case CLIENT_BITS:
        return value == NULL || window_bits(*value) != 0;
    default:
        return value == NULL;
    }
}

/* Adds `param`, "name" or "name=value", to the set `seen`. */
static bool accept_param(struct text param, unsigned *seen)
{
    const char *equals = param.len > 0 ? memchr(param.at, '=', param.len) : NULL;
    const size_t name_len = equals != NULL ? (size_t)(equals - param.at) : param.len;
    const struct text name = text_of(param.at, name_len);
    const struct text value = equals != NULL ? text_after(param, name_len + 1) : (struct text){0};

    for (size_t i = 0; i < ARRAY_COUNT(param_names); i++) {
        if (!text_equal(name, text(param_names[i])))
            continue;
        if ((*seen & 1u << i) != 0)
            return false;
        *seen |= 1u << i;
        return accept_value((enum param)i, equals != NULL ? &value : NULL);
    }
    return false;
}

static bool accept_offer(struct text offer, unsigned *seen)
{
    struct parts parts = {.rest = offer, .separator = ';'};
    struct text part;

    *seen = 0;
    if (!next_part(&parts, &part) || !text_equal(part, TEXT("permessage-deflate")))
        return false;
    while (next_part(&parts, &part))
        if (!accept_param(part, seen))
            return false;
    return true;
}

bool deflate_negotiate(struct text offers, char answer[DEFLATE_ANSWER_MAX])
{
    struct parts parts = {.rest = offers, .separator = ','};
    struct text offer;
    unsigned seen;

    while (next_part(&parts, &offer)) {
        if (!accept_offer(offer, &seen))
            continue;
        /* 7.1.2.1: who accepts a limit of the server's window says so. */
        snprintf(answer, DEFLATE_ANSWER_MAX, "permessage-deflate; %s; %s%s",
                 param_names[SERVER_NO_CONTEXT], param_names[CLIENT_NO_CONTEXT],
                 (seen & 1u << SERVER_BITS) != 0 ? "; server_max_window_bits=15" : "");
        return true;
    }
    return false;
}
