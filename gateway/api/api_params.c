#include "gateway/api/api_params.h"

#include <sodium.h>

static void complain(struct api_params *params, const char *name)
{
    if (params->wrong == NULL)
        params->wrong = name;
}

struct api_params api_params(struct arena *arena, struct json_value object)
{
    struct api_params params = {.arena = arena};

    if (json_kind(object) == JSON_OBJECT)
        params.object = object;
    else if (json_is_given(object))
        complain(&params, "params");
    return params;
}

bool api_params_has(const struct api_params *params, const char *name)
{
    return json_is_given(json_get(params->object, name));
}

/* False: it is not there, or of another kind, which is wrong. */
static bool find(struct api_params *params, const char *name, enum json_kind kind,
                 struct json_value *out)
{
    *out = json_get(params->object, name);
    if (json_is_given(*out) && json_kind(*out) != kind)
        complain(params, name);
    return json_kind(*out) == kind;
}

/* `raw`: what stands between the quotes. */
static struct text unescape(struct arena *arena, struct text raw)
{
    struct buf plain = {0};

    if (raw.len == 0 || memchr(raw.at, '\\', raw.len) == NULL)
        return raw;
    json_unescape(raw, &plain);
    const struct text kept = arena_text(arena, buf_text(&plain));
    buf_fini(&plain);
    return kept;
}

static struct text text_in(struct arena *arena, struct json_value string)
{
    const struct text quoted = json_raw(string);

    return unescape(arena, text_of(quoted.at + 1, quoted.len - 2));
}

struct text api_params_text(struct api_params *params, const char *name)
{
    struct json_value value;

    return find(params, name, JSON_STRING, &value) ? text_in(params->arena, value)
                                                   : (struct text){0};
}

bool api_params_bool(struct api_params *params, const char *name)
{
    struct json_value value;
    bool truth = false;

    if (find(params, name, JSON_BOOL, &value) && !json_to_bool(value, &truth))
        complain(params, name);
    return truth;
}

int64_t api_params_i64(struct api_params *params, const char *name)
{
    struct json_value value;
    int64_t number = 0;

    if (find(params, name, JSON_NUMBER, &value) && !json_to_i64(value, &number))
        complain(params, name);
    return number;
}

int32_t api_params_i32(struct api_params *params, const char *name)
{
    const int64_t number = api_params_i64(params, name);

    if (number >= INT32_MIN && number <= INT32_MAX)
        return (int32_t)number;
    complain(params, name);
    return 0;
}

uint64_t api_params_u64(struct api_params *params, const char *name)
{
    struct json_value value;
    uint64_t number = 0;

    if (find(params, name, JSON_NUMBER, &value) && !json_to_u64(value, &number))
        complain(params, name);
    return number;
}

struct json_value api_params_list(struct api_params *params, const char *name)
{
    struct json_value list;

    return find(params, name, JSON_ARRAY, &list) ? list : (struct json_value){0};
}

struct text *api_params_texts(struct api_params *params, const char *name, size_t *count)
{
    struct json_value list;

    *count = 0;
    if (!find(params, name, JSON_ARRAY, &list))
        return NULL;
    struct text *texts = arena_alloc(params->arena, json_size(list) * sizeof(*texts));
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        if (json_kind(it.value) == JSON_STRING)
            texts[(*count)++] = text_in(params->arena, it.value);
        else
            complain(params, name);
    }
    return texts;
}

struct tag *api_params_tags(struct api_params *params, const char *name, size_t *count)
{
    struct json_value object;

    *count = 0;
    if (!find(params, name, JSON_OBJECT, &object))
        return NULL;
    struct tag *tags = arena_alloc(params->arena, json_size(object) * sizeof(*tags));
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        if (json_kind(it.value) == JSON_STRING)
            tags[(*count)++] = (struct tag){unescape(params->arena, it.key),
                                            text_in(params->arena, it.value)};
        else
            complain(params, name);
    }
    return tags;
}

struct api_params api_params_enter(struct api_params *params, const char *name)
{
    struct json_value object;

    find(params, name, JSON_OBJECT, &object);
    return (struct api_params){params->arena, object, NULL};
}

void api_params_leave(struct api_params *params, const struct api_params *inner)
{
    if (inner->wrong != NULL)
        complain(params, inner->wrong);
}

static bool decode(struct arena *arena, struct text base64, struct text *out)
{
    const size_t room = base64.len / 4 * 3 + 1;
    char *bytes = arena_alloc(arena, room);
    size_t len;

    if (sodium_base642bin((unsigned char *)bytes, room, base64.at, base64.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *out = text_of(bytes, len);
    return true;
}

struct text api_params_payload(struct api_params *params, const char *name, const char *base64_name,
                               bool *is_json)
{
    const struct text base64 = api_params_text(params, base64_name);
    const struct json_value value = json_get(params->object, name);
    struct text bytes = {0};

    if (base64.len > 0) {
        if (!decode(params->arena, base64, &bytes))
            complain(params, base64_name);
    } else if (json_is_given(value)) {
        bytes = json_raw(value);
    }
    if (is_json != NULL)
        *is_json = base64.len == 0 && bytes.len > 0;
    return bytes;
}
