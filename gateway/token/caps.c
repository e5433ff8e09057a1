#include "gateway/token/caps.h"

#include "gateway/pattern/glob.h"
#include "gateway/pattern/go_regex.h"

struct word {
    struct text name;
    unsigned value;
};

static const struct word permissions[] = {{TEXT("sub"), CAP_SUB},
                                          {TEXT("pub"), CAP_PUB},
                                          {TEXT("prs"), CAP_PRESENCE},
                                          {TEXT("hst"), CAP_HISTORY}};
static const struct word matches[] = {
    {TEXT("exact"), CAP_EXACT}, {TEXT("wildcard"), CAP_WILDCARD}, {TEXT("regex"), CAP_REGEX}};

/* What a claim says in one of our words; false when it does not. */
static bool read_word(struct json_value value, const struct word *words, size_t count,
                      unsigned *out)
{
    struct buf plain = {0};
    bool found = false;

    if (json_to_text(value, &plain))
        for (size_t i = 0; i < count; i++)
            if (text_equal(buf_text(&plain), words[i].name)) {
                *out = words[i].value;
                found = true;
            }
    buf_fini(&plain);
    return found;
}

static bool read_allow(struct token_cap *cap, struct json_value list, const char **why)
{
    unsigned value;

    *why = "`allow` in `caps` is no list of sub, pub, prs and hst";
    if (json_kind(list) != JSON_ARRAY)
        return false;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        if (!read_word(it.value, permissions, ARRAY_COUNT(permissions), &value))
            return false;
        cap->allow |= value;
    }
    return true;
}

static bool read_match(struct token_cap *cap, struct json_value match, const char **why)
{
    unsigned value = CAP_EXACT;

    *why = "`match` in `caps` is not exact, wildcard or regex";
    if (json_kind(match) != JSON_NONE && !read_word(match, matches, ARRAY_COUNT(matches), &value))
        return false;
    cap->match = (enum cap_match)value;
    return true;
}

static bool compile(regex_t *regex, const char *pattern)
{
    struct buf ignored = {0};
    const bool good = go_regex_compile(regex, pattern, CAP_REGEX_SIZE, &ignored);

    buf_fini(&ignored);
    return good;
}

static bool add_channel(struct token_cap *cap, struct arena *arena, struct buf *name)
{
    if (name->len == 0)
        return false;
    if (cap->match == CAP_REGEX &&
        !compile(&cap->regexes[cap->channel_count], buf_cstring(name)))
        return false;
    cap->channels[cap->channel_count++] = arena_text(arena, buf_text(name));
    return true;
}

static bool read_channels(struct token_cap *cap, struct arena *arena, struct json_value list,
                          const char **why)
{
    const size_t count = json_size(list);
    struct buf name = {0};
    bool good = json_kind(list) == JSON_ARRAY && count <= CAP_CHANNELS_MAX;

    *why = "`channels` in `caps` is no list of at most 100 names, or of good regular expressions";
    if (!good)
        return false;
    cap->channels = arena_alloc(arena, count * sizeof(*cap->channels));
    if (cap->match == CAP_REGEX)
        cap->regexes = arena_alloc(arena, count * sizeof(*cap->regexes));
    for (struct json_iter it = json_iter(list); good && json_next(&it);) {
        buf_reset(&name);
        good = json_to_text(it.value, &name) && add_channel(cap, arena, &name);
    }
    buf_fini(&name);
    return good;
}

/* `regexes`: how many the token may still have. */
static bool read_cap(struct token_cap *cap, struct arena *arena, struct json_value entry,
                     size_t *regexes, const char **why)
{
    const struct json_value channels = json_get(entry, "channels");

    *why = "an entry of `caps` is no object";
    if (json_kind(entry) != JSON_OBJECT || !read_match(cap, json_get(entry, "match"), why))
        return false;
    if (cap->match == CAP_REGEX) {
        *why = "`caps` has more than 32 regular expressions";
        if (json_size(channels) > *regexes)
            return false;
        *regexes -= json_size(channels);
    }
    return read_allow(cap, json_get(entry, "allow"), why) &&
           read_channels(cap, arena, channels, why);
}

bool caps_read(struct token_caps *caps, struct arena *arena, struct json_value claim,
               const char **why)
{
    size_t regexes = CAP_REGEXES_MAX;

    *caps = (struct token_caps){0};
    *why = "`caps` is no list of at most 64 objects";
    if (json_kind(claim) != JSON_ARRAY || json_size(claim) > CAPS_MAX)
        return false;
    caps->at = arena_alloc(arena, json_size(claim) * sizeof(*caps->at));
    for (struct json_iter it = json_iter(claim); json_next(&it);)
        if (!read_cap(&caps->at[caps->count++], arena, it.value, &regexes, why))
            return false;
    return true;
}

void caps_fini(struct token_caps *caps)
{
    for (size_t i = 0; i < caps->count; i++)
        if (caps->at[i].regexes != NULL)
            for (size_t r = 0; r < caps->at[i].channel_count; r++)
                regfree(&caps->at[i].regexes[r]);
    *caps = (struct token_caps){0};
}

static bool is_named(const struct token_cap *cap, size_t index, struct text channel)
{
    switch (cap->match) {
    case CAP_EXACT:
        return text_equal(cap->channels[index], channel);
    case CAP_WILDCARD:
        return glob_matches(cap->channels[index], channel);
    case CAP_REGEX: /* "news:." matches "news:*" and means one byte, not any */
        return memchr(channel.at, '*', channel.len) == NULL &&
               go_regex_matches(&cap->regexes[index], channel);
    }
    return false;
}

static bool has_channel(const struct token_cap *cap, struct text channel)
{
    for (size_t i = 0; i < cap->channel_count; i++)
        if (is_named(cap, i, channel))
            return true;
    return false;
}

unsigned caps_allow(const struct token_caps *caps, struct text channel)
{
    unsigned allowed = 0;

    if (channel.len == 0)
        return 0;
    for (size_t i = 0; i < caps->count; i++)
        if ((caps->at[i].allow & ~allowed) != 0 && has_channel(&caps->at[i], channel))
            allowed |= caps->at[i].allow;
    return allowed;
}
