#include "gateway/channels/namespaces.h"

#include "base/json.h"
#include "gateway/pattern/go_regex.h"

#define BAD_REQUEST 107

static const char *find(struct text text, const char *mark)
{
    return text.len > 0 ? memchr(text.at, mark[0], text.len) : NULL;
}

/* Where the namespace begins and ends; NULL when there is none. */
static const char *find_boundary(const struct settings *settings, struct text *channel)
{
    if (channel_is_private(settings, *channel))
        *channel = text_after(*channel, 1);
    return find(*channel, settings->channel.namespace_boundary);
}

struct text namespace_name_of(const struct settings *settings, struct text channel)
{
    const char *boundary = find_boundary(settings, &channel);

    return boundary != NULL ? text_of(channel.at, (size_t)(boundary - channel.at))
                            : (struct text){0};
}

static int compare(struct text a, const char *b)
{
    const size_t len = strlen(b);
    const int order = memcmp(a.at, b, a.len < len ? a.len : len);

    return order != 0 ? order : (a.len > len) - (a.len < len);
}

const struct namespace *namespace_named(const struct settings *settings, struct text name)
{
    size_t from = 0, to = settings->channel.namespace_count;

    if (name.len == 0)
        return NULL;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const int order = compare(name, settings->channel.namespaces[middle].name);
        if (order == 0)
            return &settings->channel.namespaces[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const struct namespace *namespace_find(const struct settings *settings, struct text channel)
{
    const char *boundary = find_boundary(settings, &channel);

    if (boundary == NULL)
        return &settings->channel.without_namespace;
    return namespace_named(settings, text_of(channel.at, (size_t)(boundary - channel.at)));
}

bool channel_is_private(const struct settings *settings, struct text channel)
{
    return channel.len > 0 && channel.at[0] == settings->channel.private_prefix[0];
}

bool channel_is_user_limited(const struct settings *settings, struct text channel)
{
    return find(channel, settings->channel.user_boundary) != NULL;
}

bool channel_lists_user(const struct settings *settings, struct text channel, struct text user)
{
    const char *boundary =
        channel.len > 0 ? memrchr(channel.at, settings->channel.user_boundary[0], channel.len)
                        : NULL;

    if (boundary == NULL || user.len == 0)
        return false;
    struct text list = text_after(channel, (size_t)(boundary + 1 - channel.at));
    for (const char *end; (end = find(list, settings->channel.user_separator)) != NULL;
         list = text_after(list, (size_t)(end + 1 - list.at)))
        if (text_equal(text_of(list.at, (size_t)(end - list.at)), user))
            return true;
    return text_equal(list, user);
}

bool channel_is_pattern(struct text channel)
{
    return find(channel, "*") != NULL;
}

static bool is_ascii(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] >= 0x80)
            return false;
    return true;
}

int channel_check_name(const struct settings *settings, const struct namespace *namespace,
                       struct text channel)
{
    if (channel.len > (size_t)settings->channel.max_length)
        return BAD_REQUEST;
    if (namespace->regex == NULL)
        return is_ascii(channel) ? 0 : BAD_REQUEST;
    struct text rest = channel;
    const char *boundary = find_boundary(settings, &rest);
    /* Without a namespace the private prefix belongs to it, as in Centrifugo. */
    rest = boundary != NULL ? text_after(rest, (size_t)(boundary + 1 - rest.at)) : channel;
    return go_regex_matches(namespace->regex, rest) ? 0 : BAD_REQUEST;
}

/* ---- what is published ---- */

static bool begins_object(struct text json)
{
    size_t at = 0;

    while (at < json.len && strchr(" \t\r\n", json.at[at]) != NULL)
        at++;
    return at < json.len && json.at[at] == '{';
}

int channel_check_data(const struct namespace *namespace, struct text data, bool is_json)
{
    bool good = data.len > 0;

    switch (namespace->publication_data_format) {
    case DATA_BINARY:
        return 0;
    case DATA_JSON:
        good = good && (is_json || json_is_valid(data));
        break;
    case DATA_JSON_OBJECT:
        good = good && (is_json || json_is_valid(data)) && begins_object(data);
        break;
    default:
        break;
    }
    return good ? 0 : BAD_REQUEST;
}
