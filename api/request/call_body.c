#include "api/request/call_state.h"
#include "base/id.h"
#include "base/utf8.h"

static enum err missing(struct call *call, const char *name)
{
    return call_fail_field(call, ERR_MISSING, name, "is required");
}

struct text call_body_bytes(const struct call *call)
{
    return call->body;
}

struct json_value call_body(struct call *call, const char *name)
{
    return json_get(call->members, name);
}

bool call_body_has(struct call *call, const char *name)
{
    return json_kind(call_member(call, name)) != JSON_NONE;
}

static enum err read_text(struct call *call, const char *name, struct text *out)
{
    const struct json_value value = call_member(call, name);
    struct buf bytes = {0};

    if (json_kind(value) == JSON_NONE)
        return missing(call, name);
    if (json_kind(value) != JSON_STRING)
        return call_fail_field(call, ERR_WRONG_TYPE, name, "must be a string");
    const bool read = json_to_text(value, &bytes);
    *out = call_copy(call, buf_text(&bytes));
    buf_fini(&bytes);
    return read ? ERR_OK : call_fail_field(call, ERR_BAD_TEXT, name, "must be UTF-8 without NUL");
}

enum err call_body_text(struct call *call, const char *name, size_t min, size_t max,
                        struct text *out)
{
    const enum err err = read_text(call, name, out);
    if (err != ERR_OK)
        return err;
    if (out->len < min || out->len > max)
        return call_fail_field(call, ERR_OUT_OF_RANGE, name, "must have %zu to %zu bytes", min,
                               max);
    return ERR_OK;
}

static size_t count_chars(struct text value)
{
    size_t chars = 0;
    for (size_t i = 0; i < value.len; i++)
        chars += (value.at[i] & 0xc0) != 0x80; /* not a byte that continues one */
    return chars;
}

enum err call_body_chars(struct call *call, const char *name, size_t min, size_t max,
                         struct text *out)
{
    const enum err err = read_text(call, name, out);
    if (err != ERR_OK)
        return err;
    const size_t chars = count_chars(*out);
    if (chars < min || chars > max)
        return call_fail_field(call, ERR_OUT_OF_RANGE, name, "must have %zu to %zu characters", min,
                               max);
    return ERR_OK;
}

enum err call_body_id(struct call *call, const char *name, int64_t *out)
{
    struct text digits;
    const enum err err = read_text(call, name, &digits);

    if (err != ERR_OK)
        return err;
    if (!id_parse(digits, out))
        return call_fail_field(call, ERR_OUT_OF_RANGE, name, "must be an id: digits");
    return ERR_OK;
}

enum err call_body_i64(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const struct json_value member = call_member(call, name);
    int64_t value;

    if (json_kind(member) == JSON_NONE)
        return missing(call, name);
    if (!json_to_i64(member, &value))
        return call_fail_field(call, ERR_WRONG_TYPE, name, "must be a whole number");
    if (value < min || value > max)
        return call_fail_field(call, ERR_OUT_OF_RANGE, name, "must be %lld to %lld", (long long)min,
                               (long long)max);
    *out = value;
    return ERR_OK;
}

enum err call_body_bool(struct call *call, const char *name, bool *out)
{
    const struct json_value member = call_member(call, name);

    if (json_kind(member) == JSON_NONE || json_to_bool(member, out))
        return ERR_OK;
    return call_fail_field(call, ERR_WRONG_TYPE, name, "must be true or false");
}
