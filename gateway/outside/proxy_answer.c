#include "gateway/outside/proxy_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/json.h"

#define BASE64          sodium_base64_VARIANT_ORIGINAL
#define EXPIRE_AT_MAX_S 253402300799 /* the end of the year 9999: sums of times cannot overflow */

/*
 * A member of an object: how it is read, and where to. Readers see neither absent values nor null;
 * they return false when the value is not what it has to be.
 */
struct field {
    const char *name;
    unsigned kinds; /* of questions whose answers have it */
    bool (*read)(struct proxy_answer *answer, struct json_value value, void *to);
    size_t offset;
};

#define KIND(kind) (1u << PROXY_##kind)

/* Reads the fields that are there; returns the name of one that is wrong, or NULL. */
static const char *read_fields(struct proxy_answer *answer, struct json_value object,
                               const struct field *fields, size_t count, unsigned kinds, void *to)
{
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].kinds & kinds) == 0)
            continue;
        const struct json_value value = json_get(object, fields[i].name);
        if (!json_is_given(value))
            continue;
        if (!fields[i].read(answer, value, (char *)to + fields[i].offset))
            return fields[i].name;
    }
    return NULL;
}

/* ---- values ---- */

/* What was written to `decoded` since it was `start` long. It never moves: see
 * proxy_answer_read(). */
static struct text decoded_since(struct proxy_answer *answer, size_t start)
{
    return text_of(answer->decoded.at + start, answer->decoded.len - start);
}

static bool read_text(struct proxy_answer *answer, struct json_value value, void *to)
{
    const size_t start = answer->decoded.len;

    if (!json_to_text(value, &answer->decoded))
        return false;
    *(struct text *)to = decoded_since(answer, start);
    return true;
}

static struct text read_key(struct proxy_answer *answer, struct text key)
{
    const size_t start = answer->decoded.len;

    json_unescape(key, &answer->decoded);
    return decoded_since(answer, start);
}

static bool read_bool(struct proxy_answer *answer, struct json_value value, void *to)
{
    return json_to_bool(value, to);
}

static bool read_raw(struct proxy_answer *answer, struct json_value value, void *to)
{
    *(struct text *)to = json_raw(value);
    return true;
}

static bool read_payload(struct proxy_answer *answer, struct json_value value, void *to)
{
    *(struct proxy_payload *)to = (struct proxy_payload){.bytes = json_raw(value)};
    return true;
}

/* Stands behind read_payload() in the tables: it wins. */
static bool read_base64(struct proxy_answer *answer, struct json_value value, void *to)
{
    struct text base64;
    size_t len;

    if (!read_text(answer, value, &base64))
        return false;
    if (base64.len == 0)
        return true;
    unsigned char *bytes = (unsigned char *)base64.at; /* in place: it only gets shorter */
    if (sodium_base642bin(bytes, base64.len, base64.at, base64.len, NULL, &len, NULL, BASE64) != 0)
        return false;
    *(struct proxy_payload *)to = (struct proxy_payload){text_of(bytes, len), true};
    return true;
}

static bool read_time(struct proxy_answer *answer, struct json_value value, void *to)
{
    int64_t time_s;

    if (!json_to_i64(value, &time_s))
        return false;
    *(int64_t *)to = time_s < 0 ? 0 : time_s > EXPIRE_AT_MAX_S ? EXPIRE_AT_MAX_S : time_s;
    return true;
}

static bool read_version(struct proxy_answer *answer, struct json_value value, void *to)
{
    int64_t version;

    if (!json_to_i64(value, &version) || version < 0)
        return false;
    *(uint64_t *)to = (uint64_t)version;
    return true;
}

static bool read_code(struct proxy_answer *answer, struct json_value value, void *to)
{
    int64_t code;

    if (!json_to_i64(value, &code) || code <= 0 || code > INT32_MAX)
        return false;
    *(int *)to = (int)code;
    return true;
}

/* {"value": true}; without a value it is false, as in Protobuf's JSON. */
static bool read_override_flag(struct proxy_answer *answer, struct json_value value, void *to)
{
    bool flag = false;
    const struct json_value inner = json_get(value, "value");

    if (json_kind(value) != JSON_OBJECT)
        return false;
    if (json_is_given(inner) && !json_to_bool(inner, &flag))
        return false;
    *(int8_t *)to = flag;
    return true;
}

static bool read_override(struct proxy_answer *answer, struct json_value value, void *to)
{
#define FLAG(name)                                                                                 \
    {                                                                                              \
#name, ~0u, read_override_flag, offsetof(struct sub_override, name)                        \
    }
    static const struct field flags[] = {FLAG(presence), FLAG(join_leave),
                                         FLAG(force_push_join_leave), FLAG(force_recovery),
                                         FLAG(force_positioning)};
#undef FLAG
    return json_kind(value) == JSON_OBJECT &&
           read_fields(answer, value, flags, ARRAY_COUNT(flags), ~0u, to) == NULL;
}

/* ---- lists: each stands in the table with its place's first member ---- */

static bool read_channels(struct proxy_answer *answer, struct json_value value, void *to)
{
    if (json_kind(value) != JSON_ARRAY)
        return false;
    answer->channels = xcalloc(json_size(value) + 1, sizeof(*answer->channels));
    for (struct json_iter it = json_iter(value); json_next(&it);)
        if (!read_text(answer, it.value, &answer->channels[answer->channel_count++]))
            return false;
    return true;
}

static bool read_sub(struct proxy_answer *answer, struct json_value value, struct proxy_sub *sub)
{
#define SUB_FIELD(name, member, read)                                                              \
    {                                                                                              \
        name, ~0u, read, offsetof(struct proxy_sub, member)                                        \
    }
    static const struct field fields[] = {
        SUB_FIELD("info", info, read_payload),
        SUB_FIELD("b64info", info, read_base64),
        SUB_FIELD("data", data, read_payload),
        SUB_FIELD("b64data", data, read_base64),
        SUB_FIELD("expire_at", expire_at_s, read_time),
        SUB_FIELD("override", override, read_override),
        SUB_FIELD("cache_recover", cache_recover, read_bool),
    };
#undef SUB_FIELD
    const enum json_kind kind = json_kind(value);

    sub->override = SUB_OVERRIDE_NONE;
    if ((kind != JSON_OBJECT && kind != JSON_NULL) ||
        read_fields(answer, value, fields, ARRAY_COUNT(fields), ~0u, sub) != NULL)
        return false;
    sub->expires = sub->expire_at_s > 0;
    return true;
}

static bool read_subs(struct proxy_answer *answer, struct json_value value, void *to)
{
    if (json_kind(value) != JSON_OBJECT)
        return false;
    answer->subs = xcalloc(json_size(value) + 1, sizeof(*answer->subs));
    for (struct json_iter it = json_iter(value); json_next(&it);) {
        struct proxy_sub *sub = &answer->subs[answer->sub_count++];
        sub->channel = read_key(answer, it.key);
        if (!read_sub(answer, it.value, sub))
            return false;
    }
    return true;
}

static bool read_tags(struct proxy_answer *answer, struct json_value value, void *to)
{
    if (json_kind(value) != JSON_OBJECT)
        return false;
    answer->tags = xcalloc(json_size(value) + 1, sizeof(*answer->tags));
    for (struct json_iter it = json_iter(value); json_next(&it);) {
        struct proxy_tag *tag = &answer->tags[answer->tag_count++];
        tag->key = read_key(answer, it.key);
        if (!read_text(answer, it.value, &tag->value))
            return false;
    }
    return true;
}

/* ---- result, error, disconnect ---- */

#define EXPIRING  (KIND(CONNECT) | KIND(REFRESH) | KIND(SUBSCRIBE) | KIND(SUB_REFRESH))
#define WITH_DATA (KIND(CONNECT) | KIND(SUBSCRIBE) | KIND(PUBLISH) | KIND(RPC))

static const struct field result_fields[] = {
#define FIELD(name, member, kinds, read)                                                           \
    {                                                                                              \
        name, kinds, read, offsetof(struct proxy_answer, member)                                   \
    }
    FIELD("user", user, KIND(CONNECT), read_text),
    FIELD("expired", expired, KIND(REFRESH) | KIND(SUB_REFRESH), read_bool),
    FIELD("expire_at", expire_at_s, EXPIRING, read_time),
    FIELD("info", info, EXPIRING, read_payload),
    FIELD("b64info", info, EXPIRING, read_base64),
    FIELD("data", data, WITH_DATA, read_payload),
    FIELD("b64data", data, WITH_DATA, read_base64),
    FIELD("meta", meta, KIND(CONNECT) | KIND(REFRESH), read_raw),
    FIELD("caps", caps, KIND(CONNECT), read_raw),
    FIELD("channels", channels, KIND(CONNECT), read_channels),
    FIELD("subs", subs, KIND(CONNECT), read_subs),
    FIELD("override", override, KIND(SUBSCRIBE), read_override),
    FIELD("tags", tags, KIND(PUBLISH), read_tags),
    FIELD("skip_history", skip_history, KIND(PUBLISH), read_bool),
    FIELD("delta", delta, KIND(PUBLISH), read_bool),
    FIELD("idempotency_key", idempotency_key, KIND(PUBLISH), read_text),
    FIELD("version", version, KIND(PUBLISH), read_version),
    FIELD("version_epoch", version_epoch, KIND(PUBLISH), read_text),
};
static const struct field error_fields[] = {
    FIELD("code", code, ~0u, read_code),
    FIELD("message", message, ~0u, read_text),
    FIELD("temporary", temporary, ~0u, read_bool),
};
static const struct field disconnect_fields[] = {
    FIELD("code", code, ~0u, read_code),
    FIELD("reason", message, ~0u, read_text),
#undef FIELD
};

static void fail(struct proxy_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct proxy_answer *answer, const char *format, ...)
{
    va_list args;

    answer->outcome = PROXY_FAILED;
    va_start(args, format);
    vsnprintf(answer->why, sizeof(answer->why), format, args);
    va_end(args);
}

bool proxy_may_disconnect(int64_t code)
{
    switch (code) { /* protocol reference, section 12.2 */
    case 3000 ... 3001:
    case 3004 ... 3006:
    case 3008 ... 3014:
    case 3500 ... 3509:
    case 4000 ... 4999:
        return true;
    default:
        return false;
    }
}

/* Clients read a reason that is JSON as advice of an old protocol; Python's needs one at all. */
static struct text fit_reason(struct text reason)
{
    if (reason.len > PROXY_REASON_MAX) {
        reason.len = PROXY_REASON_MAX;
        while (reason.len > 0 && (reason.at[reason.len] & 0xc0) == 0x80)
            reason.len--; /* not within a character */
    }
    if (reason.len == 0 || json_is_valid(reason))
        return TEXT("disconnect");
    return reason;
}

static void take_disconnect(struct proxy_answer *answer, struct json_value disconnect)
{
    const char *wrong = read_fields(answer, disconnect, disconnect_fields,
                                    ARRAY_COUNT(disconnect_fields), ~0u, answer);

    if (wrong != NULL)
        return fail(answer, "disconnect.%s has a wrong type or value", wrong);
    if (!proxy_may_disconnect(answer->code))
        return fail(answer, "disconnect.code %d is none that a back end may use", answer->code);
    answer->outcome = PROXY_DISCONNECT;
    answer->message = fit_reason(answer->message);
}

static void take_error(struct proxy_answer *answer, struct json_value error)
{
    const char *wrong =
        read_fields(answer, error, error_fields, ARRAY_COUNT(error_fields), ~0u, answer);

    if (wrong != NULL)
        return fail(answer, "error.%s has a wrong type or value", wrong);
    if (answer->code == 0)
        return fail(answer, "error.code is missing");
    answer->outcome = PROXY_ERROR;
}

static void take_result(struct proxy_answer *answer, enum proxy_kind kind, struct json_value result)
{
    const char *wrong =
        read_fields(answer, result, result_fields, ARRAY_COUNT(result_fields), 1u << kind, answer);

    if (wrong != NULL)
        return fail(answer, "result.%s has a wrong type or value", wrong);
    answer->outcome = PROXY_RESULT;
    answer->has_result = true;
    answer->expires = answer->expire_at_s > 0;
}

static void take_answer(struct proxy_answer *answer, enum proxy_kind kind, struct json_value root)
{
    static const struct {
        const char *name;
        void (*take)(struct proxy_answer *answer, struct json_value value);
    } first[] = {{"disconnect", take_disconnect}, {"error", take_error}};

    if (json_kind(root) != JSON_OBJECT)
        return fail(answer, "the answer is no JSON object");
    for (size_t i = 0; i < ARRAY_COUNT(first); i++) {
        const struct json_value value = json_get(root, first[i].name);
        if (json_kind(value) == JSON_OBJECT)
            return first[i].take(answer, value);
        if (json_is_given(value))
            return fail(answer, "%s is no object", first[i].name);
    }
    const struct json_value result = json_get(root, "result");
    if (json_kind(result) == JSON_OBJECT)
        return take_result(answer, kind, result);
    if (json_is_given(result))
        fail(answer, "result is no object");
}

/* ---- from outside ---- */

static struct proxy_answer *make(enum proxy_outcome outcome)
{
    struct proxy_answer *answer = xcalloc(1, sizeof(*answer));

    answer->outcome = outcome;
    answer->override = SUB_OVERRIDE_NONE;
    return answer;
}

struct proxy_answer *proxy_answer_read(enum proxy_kind kind, struct buf *body)
{
    struct proxy_answer *answer = make(PROXY_RESULT);
    struct json json = {0};

    answer->body = *body;
    *body = (struct buf){0};
    /* No text is longer than its JSON, and none is read twice: with this much room `decoded` never
     * moves, and texts may point into it from the start. Four bytes as buf_reserve() asks for a
     * whole character. */
    buf_reserve(&answer->decoded, answer->body.len + 4);
    const char *const decoded = answer->decoded.at;
    if (answer->body.len == 0)
        fail(answer, "the answer is empty");
    else if (json_parse(&json, buf_text(&answer->body)) != ERR_OK)
        fail(answer, "the answer is no JSON: %s", json.why);
    else
        take_answer(answer, kind, json_root(&json));
    CHECK(answer->decoded.at == decoded);
    json_fini(&json);
    return answer;
}

struct proxy_answer *proxy_answer_failed(const char *format, ...)
{
    struct proxy_answer *answer = make(PROXY_FAILED);
    va_list args;

    va_start(args, format);
    vsnprintf(answer->why, sizeof(answer->why), format, args);
    va_end(args);
    return answer;
}

struct proxy_answer *proxy_answer_error(int code, struct text message, bool temporary)
{
    struct proxy_answer *answer = make(PROXY_ERROR);

    answer->code = code;
    answer->message = message;
    answer->temporary = temporary;
    return answer;
}

struct proxy_answer *proxy_answer_disconnect(int code, struct text reason)
{
    struct proxy_answer *answer = make(PROXY_DISCONNECT);

    answer->code = code;
    answer->message = fit_reason(reason);
    return answer;
}

void proxy_answer_destroy(struct proxy_answer *answer)
{
    if (answer == NULL)
        return;
    free(answer->channels);
    free(answer->subs);
    free(answer->tags);
    buf_fini(&answer->body);
    buf_fini(&answer->decoded);
    free(answer);
}
