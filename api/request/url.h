/*
 * url: what stands behind the host in a request: path parts and query members, decoded and checked.
 * Foreign bytes; any thread.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define URL_PARTS_MAX   12
#define URL_MEMBERS_MAX 32

struct url_path {
    struct text parts[URL_PARTS_MAX];
    int count; /* "/" has none */
};

struct url_query {
    struct url_member {
        struct text name, value;
    } members[URL_MEMBERS_MAX];
    int count;
};

/*
 * Splits "/v1/rooms/7" at its slashes, then decodes each part once. Texts point into `bytes`, which
 * is the caller's and must not grow meanwhile. ERR_NOT_FOUND: no leading slash, an empty part
 * (`//`, a slash at the end), `.` or `..`, a part with an encoded slash, too many parts.
 * ERR_BAD_TEXT: NUL or no UTF-8. ERR_INVALID: a `%` without two hex digits.
 */
MUST_CHECK enum err url_split(struct text raw, struct buf *bytes, struct url_path *path);

/*
 * Reads "a=1&b=x%20y" ("+" is a space); a member without "=" has an empty value. ERR_BAD_TEXT,
 * ERR_INVALID as above; ERR_OUT_OF_RANGE: more than URL_MEMBERS_MAX.
 */
MUST_CHECK enum err url_read_query(struct text raw, struct buf *bytes, struct url_query *query);
