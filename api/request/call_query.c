/*
 * Path ids and query members. Over the bus they stand in the data, beside the body's members.
 */
#include "api/request/call_state.h"
#include "base/id.h"

struct json_value call_member(const struct call *call, const char *name)
{
    const struct json_value value = json_get(call->members, name);
    return json_kind(value) != JSON_NULL ? value : (struct json_value){0};
}

/* A member as the text that it would be in an address: "true", "7", or a string's content. */
static bool member_as_text(struct call *call, const char *name, struct text *out)
{
    const struct json_value value = call_member(call, name);
    const enum json_kind kind = json_kind(value);
    struct buf bytes = {0};

    if (kind == JSON_NUMBER || kind == JSON_BOOL) {
        *out = json_raw(value);
        return true;
    }
    if (kind != JSON_STRING || !json_to_text(value, &bytes)) {
        buf_fini(&bytes);
        return false;
    }
    *out = call_copy(call, buf_text(&bytes));
    buf_fini(&bytes);
    return true;
}

struct text call_path_text(struct call *call, const char *name)
{
    struct text value = {0};

    for (int i = 0; i < call->capture_count; i++)
        if (text_equal(call->captures[i].name, text(name)))
            return call->captures[i].value;
    if (call->is_rpc)
        (void)member_as_text(call, name, &value);
    return value;
}

enum err call_path_id(struct call *call, const char *name, int64_t *id)
{
    return id_parse(call_path_text(call, name), id) ? ERR_OK : ERR_NOT_FOUND;
}

bool call_query_text(struct call *call, const char *name, struct text *out)
{
    for (int i = 0; i < call->query.count; i++) {
        if (text_equal(call->query.members[i].name, text(name))) {
            *out = call->query.members[i].value;
            return true;
        }
    }
    return call->is_rpc && member_as_text(call, name, out);
}

/* Digits with an optional minus; no sign, space or leading zero besides. */
static bool read_i64(struct text digits, int64_t *out)
{
    const bool negative = digits.len > 0 && digits.at[0] == '-';
    int64_t value;

    if (text_equal(digits, TEXT("0"))) {
        *out = 0;
        return true;
    }
    if (!id_parse(negative ? text_after(digits, 1) : digits, &value))
        return false;
    *out = negative ? -value : value;
    return true;
}

enum err call_query_i64(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out)
{
    struct text digits;
    int64_t value;

    if (!call_query_text(call, name, &digits))
        return ERR_OK;
    if (!read_i64(digits, &value))
        return call_fail_field(call, ERR_WRONG_TYPE, name, "must be a whole number");
    if (value < min || value > max)
        return call_fail_field(call, ERR_OUT_OF_RANGE, name, "must be %lld to %lld", (long long)min,
                               (long long)max);
    *out = value;
    return ERR_OK;
}

enum err call_query_chars(struct call *call, const char *name, size_t max, struct text *out)
{
    size_t count = 0;

    if (!call_query_text(call, name, out))
        return ERR_OK;
    for (size_t i = 0; i < out->len; i++)
        count += ((unsigned char)out->at[i] & 0xc0) != 0x80;
    return count <= max ? ERR_OK : call_fail_field(call, ERR_OUT_OF_RANGE, name, "at most %zu characters", max);
}
