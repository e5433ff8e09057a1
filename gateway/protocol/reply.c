#include "gateway/protocol/reply.h"

#include "gateway/protocol/reply_rules.h"

struct reply_member reply_member_of(enum command_kind kind)
{
    static const struct reply_member members[COMMAND_KIND_COUNT] = {
        [COMMAND_UNSUBSCRIBE] = {"unsubscribe", 7},
        [COMMAND_PUBLISH] = {"publish", 8},
    };
    CHECK(members[kind].name != NULL);
    return members[kind];
}

static bool is_json_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

void reply_minify(struct buf *out, struct text json)
{
    char *const start = buf_reserve(out, json.len); /* it never grows */
    char *at = start;
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        const char byte = json.at[i];
        if (!in_string && is_json_space(byte))
            continue;
        *at++ = byte;
        if (byte == '"')
            in_string = !in_string;
        else if (byte == '\\' && i + 1 < json.len)
            *at++ =
                json.at[++i]; /* a backslash stands in strings only; what it escapes ends none */
    }
    out->len += (size_t)(at - start);
}
