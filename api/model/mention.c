#include "api/model/mention.h"

#define LOGIN_MIN_BYTES 2

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static struct text short_of(struct text name)
{
    while (name.len > 0 && (name.at[name.len - 1] == '.' || name.at[name.len - 1] == '-'))
        name.len--;
    return name;
}

static bool is_room(struct text name)
{
    static const char room[] = "room";

    if (name.len != sizeof(room) - 1)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (lower(name.at[i]) != room[i])
            return false;
    return true;
}

static bool is_there(const struct mentions *found, const struct mention *wanted)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->list[i].len == wanted->len && memcmp(found->list[i].login, wanted->login, wanted->len) == 0)
            return true;
    return false;
}

static void add(struct mentions *found, size_t most, struct text name)
{
    struct text bare = short_of(name);
    struct mention mention;

    if (is_room(bare)) {
        found->room = true;
        return;
    }
    if (name.len > MENTION_MAX_BYTES) /* "@ada......": no login is that long, but what is before the points may be one */
        name = bare;
    if (name.len < LOGIN_MIN_BYTES || name.len > MENTION_MAX_BYTES || found->count == most)
        return;
    for (size_t i = 0; i < name.len; i++)
        mention.login[i] = lower(name.at[i]);
    mention.len = name.len;
    mention.short_len = bare.len >= LOGIN_MIN_BYTES ? bare.len : 0;
    if (!is_there(found, &mention))
        found->list[found->count++] = mention;
}

/* The name behind the @ at `at`; empty: there is none, or the @ is none that mentions. */
static struct text name_at(struct text message, size_t at)
{
    struct text name = {message.at + at + 1, 0};

    while (at + 1 + name.len < message.len && is_name_byte(name.at[name.len]))
        name.len++;
    const bool is_inside = at > 0 && (is_name_byte(message.at[at - 1]) || message.at[at - 1] == '@');
    const bool goes_on = at + 1 + name.len < message.len && name.at[name.len] == '@';
    return is_inside || goes_on ? text(NULL) : name;
}

bool mentions_find(struct text message, size_t most, struct mentions *found)
{
    found->count = 0;
    found->room = false;
    if (most > MENTION_MOST)
        most = MENTION_MOST;
    for (size_t from = 0; from < message.len;) {
        const char *sign = memchr(message.at + from, '@', message.len - from);
        if (sign == NULL)
            break;
        const size_t at = (size_t)(sign - message.at);
        const struct text name = name_at(message, at);
        add(found, most, name);
        from = at + 1 + name.len;
    }
    return found->count > 0 || found->room;
}
