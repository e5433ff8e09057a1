#include "api/model/profile.h"

#include "base/utf8.h"

static const char *const visibility_names[] = {"everyone", "contacts", "nobody"};

const char *visibility_name(enum visibility visibility)
{
    return visibility_names[visibility];
}

bool visibility_from(struct text name, enum visibility *visibility)
{
    for (size_t i = 0; i < ARRAY_COUNT(visibility_names); i++)
        if (text_equal(name, text(visibility_names[i]))) {
            *visibility = (enum visibility)i;
            return true;
        }
    return false;
}

/* Of a field that is not mentioned: everyone. */
static bool read_visibility(struct json_value all, struct buf *name, enum visibility *visibility)
{
    const struct json_value value = json_get(all, buf_cstring(name));
    struct buf word = {0};

    *visibility = VISIBLE_TO_EVERYONE;
    if (!json_is_given(value))
        return true;
    const bool is_one = json_to_text(value, &word) && visibility_from(buf_text(&word), visibility);
    buf_fini(&word);
    return is_one;
}

/* ---- for answers ---- */

/* One field, if it is to be shown: its text, or who sees it. */
static void write_one(struct json_out *out, struct json_iter field, struct json_value rules, enum visibility closeness, bool is_rule)
{
    struct buf name = {0};
    enum visibility rule;

    json_unescape(field.key, &name);
    if (!read_visibility(rules, &name, &rule))
        rule = VISIBLE_TO_NOBODY;
    if (is_rule || rule <= closeness) {
        json_name(out, buf_text(&name));
        if (is_rule)
            json_text(out, text(visibility_name(rule)));
        else
            json_raw_value(out, json_raw(field.value));
    }
    buf_fini(&name);
}

static void write_all(struct json_out *out, struct text fields, struct text visibility, enum visibility closeness, bool is_rules)
{
    struct json names = {0}, rules = {0};

    json_open(out, '{');
    if (json_parse(&names, fields) == ERR_OK && json_parse(&rules, visibility) == ERR_OK)
        for (struct json_iter it = json_iter(json_root(&names)); json_next(&it);)
            write_one(out, it, json_root(&rules), closeness, is_rules);
    json_close(out, '}');
    json_fini(&rules);
    json_fini(&names);
}

void profile_write(struct json_out *out, struct text fields, struct text visibility, enum visibility closeness)
{
    write_all(out, fields, visibility, closeness, false);
}

void profile_write_visibility(struct json_out *out, struct text fields, struct text visibility)
{
    write_all(out, fields, visibility, VISIBLE_TO_NOBODY, true);
}

/* ---- from clients ---- */

static bool refuse(struct profile_fault *fault, enum err err, const char *why)
{
    *fault = (struct profile_fault){err, why};
    return false;
}

static size_t count_chars(struct text value)
{
    size_t chars = 0;

    for (size_t i = 0; i < value.len; i++)
        chars += ((unsigned char)value.at[i] & 0xc0) != 0x80; /* not a byte that continues one */
    return chars;
}

static bool is_blank(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] > ' ')
            return false;
    return true;
}

static bool read_field(struct json_out *out, struct text name, struct json_value value, const struct profile_limits *limits,
                       struct profile_fault *fault)
{
    struct buf words = {0};
    bool is_fine;

    if (is_blank(name) || count_chars(name) > PROFILE_NAME_MAX_CHARS)
        return refuse(fault, ERR_OUT_OF_RANGE, "names have 1 to 32 characters, and not only spaces");
    if (json_kind(value) != JSON_STRING)
        return refuse(fault, ERR_WRONG_TYPE, "every field is a text");
    if (!json_to_text(value, &words))
        is_fine = refuse(fault, ERR_BAD_TEXT, "must be UTF-8 without NUL");
    else if (count_chars(buf_text(&words)) > limits->value_chars)
        is_fine = refuse(fault, ERR_OUT_OF_RANGE, NULL);
    else
        is_fine = true;
    json_name(out, name);
    json_text(out, buf_text(&words));
    buf_fini(&words);
    return is_fine;
}

/* Is there an earlier member of that name? */
static bool is_doubled(struct json_value object, struct buf *name, struct json_value value)
{
    return json_get(object, buf_cstring(name)).index != value.index;
}

bool profile_read(struct json_value given, const struct profile_limits *limits, struct buf *out_bytes, struct profile_fault *fault)
{
    struct json_out out = {.buf = out_bytes};
    bool is_fine = true;

    if (json_kind(given) != JSON_OBJECT)
        return refuse(fault, ERR_WRONG_TYPE, "an object of texts");
    if (json_size(given) > limits->fields)
        return refuse(fault, ERR_OUT_OF_RANGE, NULL);
    json_open(&out, '{');
    for (struct json_iter it = json_iter(given); is_fine && json_next(&it);) {
        struct buf name = {0};
        json_unescape(it.key, &name);
        is_fine = is_doubled(given, &name, it.value) ? refuse(fault, ERR_OUT_OF_RANGE, "each name once")
                                                         : read_field(&out, buf_text(&name), it.value, limits, fault);
        buf_fini(&name);
    }
    json_close(&out, '}');
    return is_fine;
}

static bool read_rule(struct json_out *out, struct text name, struct json_value value, struct profile_fault *fault)
{
    struct buf word = {0};
    enum visibility rule;
    const bool is_text = json_kind(value) == JSON_STRING && json_to_text(value, &word);
    const bool is_rule = is_text && visibility_from(buf_text(&word), &rule);

    buf_fini(&word);
    if (!is_text)
        return refuse(fault, ERR_WRONG_TYPE, "everyone, contacts or nobody for each field");
    if (!is_rule)
        return refuse(fault, ERR_OUT_OF_RANGE, "everyone, contacts or nobody for each field");
    if (rule != VISIBLE_TO_EVERYONE) {
        json_name(out, name);
        json_text(out, text(visibility_name(rule)));
    }
    return true;
}

bool profile_read_visibility(struct json_value given, struct text fields, bool is_stored, struct buf *out_bytes,
                             struct profile_fault *fault)
{
    struct json_out out = {.buf = out_bytes};
    struct json known;
    bool is_fine = true;

    if (json_kind(given) != JSON_OBJECT)
        return refuse(fault, ERR_WRONG_TYPE, "an object: everyone, contacts or nobody for each field");
    CHECK(json_parse(&known, fields) == ERR_OK);
    json_open(&out, '{');
    for (struct json_iter it = json_iter(given); is_fine && json_next(&it);) {
        struct buf name = {0};
        json_unescape(it.key, &name);
        if (json_kind(json_get(json_root(&known), buf_cstring(&name))) == JSON_NONE)
            is_fine = is_stored || refuse(fault, ERR_OUT_OF_RANGE, "names a field that there is not");
        else if (is_doubled(given, &name, it.value))
            is_fine = refuse(fault, ERR_OUT_OF_RANGE, "each name once");
        else
            is_fine = read_rule(&out, buf_text(&name), it.value, fault);
        buf_fini(&name);
    }
    json_close(&out, '}');
    json_fini(&known);
    return is_fine;
}
