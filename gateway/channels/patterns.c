#include "gateway/channels/patterns.h"

#include "gateway/pattern/glob.h"

static bool has(struct text text, char byte)
{
    return text.len > 0 && memchr(text.at, byte, text.len) != NULL;
}

bool pattern_is(struct text name, const struct namespace *namespace)
{
    return namespace != NULL && namespace->allow_wildcard_subscribe && has(name, '*');
}

/* The option is one byte, or empty: there is no such mark. */
static bool same_mark(struct text pattern, struct text name, const char *mark, size_t within)
{
    if (mark == NULL || mark[0] == '\0')
        return true;
    if (within < name.len)
        name.len = within;
    if (within < pattern.len)
        pattern.len = within;
    return has(pattern, mark[0]) || !has(name, mark[0]);
}

bool channel_matches(struct text pattern, struct text name, const struct namespace *namespace,
                     const struct settings *settings)
{
    return same_mark(pattern, name, settings->channel.private_prefix, 1) &&
           (!namespace->allow_user_limited_channels ||
            same_mark(pattern, name, settings->channel.user_boundary, SIZE_MAX)) &&
           glob_matches(pattern, name);
}
