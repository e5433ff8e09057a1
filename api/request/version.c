#include "api/request/version.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/id.h"

void call_set_version(struct call *call, int64_t version)
{
    char etag[32];
    const int len = snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", version);

    call_set_header(call, "etag", text_of(etag, (size_t)len));
}

enum err call_if_match(struct call *call, int64_t *version)
{
    struct text given = call_header(call, "if-match");

    *version = VERSION_ANY;
    if (given.len == 0)
        return call_fail(call, ERR_IF_MATCH_REQUIRED, "If-Match: the ETag of what is changed, or *");
    if (text_equal(given, TEXT("*")))
        return ERR_OK;
    if (text_starts(given, TEXT("W/"))) /* a proxy that compresses makes tags weak; ours mean the same either way */
        given = text_after(given, 2);
    if (given.len > 2 && given.at[0] == '"' && given.at[given.len - 1] == '"' &&
        id_parse(text_of(given.at + 1, given.len - 2), version) && *version != VERSION_ANY)
        return ERR_OK;
    return ERR_VERSION_CHANGED;
}

enum err call_check_version(struct call *call, int64_t wanted, int64_t current)
{
    if (wanted == VERSION_ANY || wanted == current)
        return ERR_OK;
    return call_fail(call, ERR_VERSION_CHANGED, "it is at version %" PRId64 " now", current);
}
