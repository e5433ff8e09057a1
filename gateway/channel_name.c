#include "gateway/channel_name.h"

#include "base/base.h"
#include "base/id.h"

struct text channel_name_id(struct text name)
{
    const char *colon = name.len > 0 ? memchr(name.at, ':', name.len) : NULL;

    return colon != NULL ? text_after(name, (size_t)(colon + 1 - name.at)) : (struct text){0};
}

static bool has_digits(struct text name)
{
    int64_t id;

    return id_parse(channel_name_id(name), &id);
}

enum channel_name_kind channel_name_kind(struct text name)
{
    if (text_starts(name, TEXT("room:")))
        return has_digits(name) ? CHANNEL_NAME_ROOM : CHANNEL_NAME_UNKNOWN;
    if (text_starts(name, TEXT("live:")))
        return has_digits(name) ? CHANNEL_NAME_LIVE : CHANNEL_NAME_UNKNOWN;
    if (text_starts(name, TEXT("user:")))
        return CHANNEL_NAME_USER;
    if (text_starts(name, TEXT("status:")))
        return has_digits(name) ? CHANNEL_NAME_STATUS : CHANNEL_NAME_UNKNOWN;
    if (text_equal(name, TEXT("public:rooms")) || text_equal(name, TEXT("public:groups")))
        return CHANNEL_NAME_PUBLIC;
    return text_equal(name, TEXT("chats")) ? CHANNEL_NAME_CHATS : CHANNEL_NAME_UNKNOWN;
}

struct text channel_name_make(char *out, const char *prefix, struct text id)
{
    const size_t len = strlen(prefix);

    CHECK(len + id.len <= CHANNEL_NAME_MAX);
    memcpy(out, prefix, len);
    if (id.len > 0)
        memcpy(out + len, id.at, id.len);
    out[len + id.len] = '\0';
    return text_of(out, len + id.len);
}
