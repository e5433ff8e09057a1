#include "api/request/url.h"

#include "base/utf8.h"

/* Decoding never makes text longer, so the caller reserves once and no pointer moves. */
static enum err decode(struct text raw, bool plus_is_space, struct buf *bytes, struct text *out)
{
    const size_t start = bytes->len;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            const int high = i + 2 < raw.len ? text_hex_digit(raw.at[i + 1]) : -1;
            const int low = i + 2 < raw.len ? text_hex_digit(raw.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return ERR_BAD_TEXT;
        buf_add_byte(bytes, c);
    }
    *out = text_of(bytes->at + start, bytes->len - start);
    return utf8_valid(*out) ? ERR_OK : ERR_BAD_TEXT;
}

/* Cuts off `*rest` what stands before the next `mark`, and the mark. */
static struct text cut(struct text *rest, char mark)
{
    const char *at = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
    const struct text item = text_of(rest->at, at != NULL ? (size_t)(at - rest->at) : rest->len);

    *rest = text_after(*rest, item.len + (at != NULL ? 1 : 0));
    return item;
}

static bool is_refused_part(struct text part)
{
    return part.len == 0 || text_equal(part, TEXT(".")) || text_equal(part, TEXT("..")) ||
           memchr(part.at, '/', part.len) != NULL;
}

enum err url_split(struct text raw, struct buf *bytes, struct url_path *path)
{
    enum err err;

    path->count = 0;
    if (raw.len == 0 || raw.at[0] != '/')
        return ERR_NOT_FOUND;
    if (raw.len == 1)
        return ERR_OK;
    buf_reserve(bytes, raw.len);

    struct text rest = text_after(raw, 1);
    bool more = true;
    while (more) {
        const size_t before = rest.len;
        const struct text part = cut(&rest, '/');
        more = part.len < before; /* a slash was cut: something must follow it */
        if (path->count == URL_PARTS_MAX)
            return ERR_NOT_FOUND;
        struct text *decoded = &path->parts[path->count++];
        if ((err = decode(part, false, bytes, decoded)) != ERR_OK)
            return err;
        if (is_refused_part(*decoded))
            return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

enum err url_read_query(struct text raw, struct buf *bytes, struct url_query *query)
{
    enum err err;

    query->count = 0;
    buf_reserve(bytes, raw.len + 1);
    while (raw.len > 0) {
        struct text value = cut(&raw, '&');
        const struct text name = cut(&value, '=');
        if (name.len == 0 && value.len == 0)
            continue; /* "a=1&&b=2" */
        if (query->count == URL_MEMBERS_MAX)
            return ERR_OUT_OF_RANGE;
        struct url_member *member = &query->members[query->count++];
        if ((err = decode(name, true, bytes, &member->name)) != ERR_OK ||
            (err = decode(value, true, bytes, &member->value)) != ERR_OK)
            return err;
    }
    return ERR_OK;
}
