#include "gateway/token/claims.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/id.h"
#include "base/jwt.h"

/* clang-format off: rows of their own would say no more */
enum claim {
    CLAIM_B64DATA, CLAIM_B64INFO, CLAIM_CAPS, CLAIM_CHANNEL, CLAIM_CHANNELS, CLAIM_CLIENT,
    CLAIM_DATA, CLAIM_EXP, CLAIM_EXPIRE_AT, CLAIM_IAT, CLAIM_INFO, CLAIM_JTI, CLAIM_META,
    CLAIM_OVERRIDE, CLAIM_SID, CLAIM_SUB, CLAIM_SUBS, CLAIM_COUNT,
};
/* clang-format on */

static const struct text claim_names[CLAIM_COUNT] = {
    [CLAIM_B64DATA] = TEXT("b64data"),
    [CLAIM_B64INFO] = TEXT("b64info"),
    [CLAIM_CAPS] = TEXT("caps"),
    [CLAIM_CHANNEL] = TEXT("channel"),
    [CLAIM_CHANNELS] = TEXT("channels"),
    [CLAIM_CLIENT] = TEXT("client"),
    [CLAIM_DATA] = TEXT("data"),
    [CLAIM_EXP] = TEXT("exp"),
    [CLAIM_EXPIRE_AT] = TEXT("expire_at"),
    [CLAIM_IAT] = TEXT("iat"),
    [CLAIM_INFO] = TEXT("info"),
    [CLAIM_JTI] = TEXT("jti"),
    [CLAIM_META] = TEXT("meta"),
    [CLAIM_OVERRIDE] = TEXT("override"),
    [CLAIM_SID] = TEXT("sid"),
    [CLAIM_SUB] = TEXT("sub"),
    [CLAIM_SUBS] = TEXT("subs"),
};

/* One reading of a payload; `why` is set by who returns false. */
struct reader {
    struct arena *arena;
    struct json_value payload;
    struct json_value claims[CLAIM_COUNT]; /* its members, absent where there is none */
    struct buf plain;                      /* of one string at a time */
    const char *why;
};

static bool refuse(struct reader *reader, const char *why)
{
    reader->why = why;
    return false;
}

static bool is_absent(struct json_value value)
{
    return json_kind(value) == JSON_NONE;
}

/* A member that is null is one that is absent. */
static struct json_value unless_null(struct json_value value)
{
    return json_kind(value) == JSON_NULL ? (struct json_value){0} : value;
}

static struct json_value get(struct json_value object, const char *name)
{
    return unless_null(json_get(object, name));
}

static struct json_value value_of(const struct reader *reader, enum claim claim)
{
    return unless_null(reader->claims[claim]);
}

/* CLAIM_COUNT: none that means something here. "sub" may be written s\u0075b. */
static enum claim claim_of(struct reader *reader, struct text name)
{
    if (name.len > 0 && memchr(name.at, '\\', name.len) != NULL) {
        buf_reset(&reader->plain);
        json_unescape(name, &reader->plain);
        name = buf_text(&reader->plain);
    }
    for (enum claim i = 0; i < CLAIM_COUNT; i++)
        if (text_equal(name, claim_names[i]))
            return i;
    return CLAIM_COUNT;
}

/* Once for all of them: most of the names are not there, and each would be looked for to the end.
 * Of a name that is doubled the first counts. */
static void find_claims(struct reader *reader)
{
    for (struct json_iter it = json_iter(reader->payload); json_next(&it);) {
        const enum claim claim = claim_of(reader, it.key);
        if (claim < CLAIM_COUNT && is_absent(reader->claims[claim]))
            reader->claims[claim] = it.value;
    }
}

/* ---- values ---- */

/* A string of at most `most` bytes; absent: `out` stays as it is. */
static bool read_text(struct reader *reader, struct json_value value, size_t most, struct text *out)
{
    if (is_absent(value))
        return true;
    buf_reset(&reader->plain);
    if (!json_to_text(value, &reader->plain) || reader->plain.len > most)
        return false;
    *out = arena_text(reader->arena, buf_text(&reader->plain));
    return true;
}

/* Validated JSON without the spaces outside strings. */
static struct text copy_compact(struct arena *arena, struct text json)
{
    char *copy = arena_string(arena, json);
    bool in_string = false;
    size_t len = 0;

    for (size_t i = 0; i < json.len; i++) {
        const char byte = json.at[i];
        if (!in_string && memchr(" \t\r\n", byte, 4) != NULL)
            continue;
        copy[len++] = byte;
        if (byte == '\\') /* only strings have them: what follows is no end of one */
            copy[len++] = json.at[++i];
        else if (byte == '"')
            in_string = !in_string;
    }
    return text_of(copy, len);
}

static bool read_base64(struct reader *reader, struct json_value value, struct text *out)
{
    buf_reset(&reader->plain);
    if (!json_to_text(value, &reader->plain))
        return false;
    const struct text base64 = buf_text(&reader->plain);
    char *bytes = arena_string(reader->arena, base64); /* longer than what it holds */
    size_t len;
    if (sodium_base642bin((unsigned char *)bytes, base64.len, base64.at, base64.len, NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *out = text_of(bytes, len);
    return true;
}

/* Bytes where `binary` gives some, else the JSON of `json`. */
static bool read_either(struct reader *reader, struct json_value json, struct json_value binary,
                        struct text *out, bool *is_binary)
{
    if (is_absent(binary)) {
        if (!is_absent(json))
            *out = copy_compact(reader->arena, json_raw(json));
        return true;
    }
    if (!read_base64(reader, binary, out))
        return false;
    *is_binary = out->len > 0;
    if (out->len > 0 || is_absent(json))
        return true;
    *out = copy_compact(reader->arena, json_raw(json)); /* "" says nothing */
    return true;
}

/* {"value": true} */
static bool read_flag(struct json_value flag, int8_t *out)
{
    bool value = false;

    if (is_absent(flag))
        return true;
    if (json_kind(flag) != JSON_OBJECT ||
        (!is_absent(get(flag, "value")) && !json_to_bool(get(flag, "value"), &value)))
        return false;
    *out = value;
    return true;
}

static bool read_override(struct json_value override, struct sub_override *out)
{
    *out = SUB_OVERRIDE_NONE;
    if (is_absent(override))
        return true;
    return json_kind(override) == JSON_OBJECT &&
           read_flag(get(override, "presence"), &out->presence) &&
           read_flag(get(override, "join_leave"), &out->join_leave) &&
           read_flag(get(override, "force_push_join_leave"), &out->force_push_join_leave) &&
           read_flag(get(override, "force_recovery"), &out->force_recovery) &&
           read_flag(get(override, "force_positioning"), &out->force_positioning);
}

/* ---- what both kinds of token have ---- */

/* Numbers are no user ids, as in Centrifugo: 42 and "42" would be two names of one user. */
static bool read_user(struct reader *reader, const char *user_claim, struct text *user,
                      bool *has_user)
{
    const bool is_own = user_claim != NULL && user_claim[0] != '\0';
    const struct json_value claim =
        is_own ? get(reader->payload, user_claim) : value_of(reader, CLAIM_SUB);

    *has_user = !is_absent(claim);
    if (is_own && !*has_user)
        return refuse(reader, "the claim that names the user (`user_id_claim`) is missing");
    return read_text(reader, claim, CLAIMS_USER_MAX, user) ||
           refuse(reader, "the user's id is no string of at most 255 bytes");
}

/* `expire_at` beats `exp`, and 0 there means never. */
static bool read_end(struct reader *reader, bool *expires, int64_t *expires_s)
{
    const struct json_value exp = reader->claims[CLAIM_EXP];
    const struct json_value expire_at = value_of(reader, CLAIM_EXPIRE_AT);
    const struct json_value end = is_absent(expire_at) ? exp : expire_at;

    if (!jwt_read_date(end, 0, expires_s) || *expires_s < 0)
        return refuse(reader, "`exp` or `expire_at` is no time");
    *expires = *expires_s > 0;
    return true;
}

static bool read_origin(struct reader *reader, struct text *jti, int64_t *issued_s)
{
    if (!read_text(reader, value_of(reader, CLAIM_JTI), CLAIMS_ID_MAX, jti))
        return refuse(reader, "`jti` is no string of at most 255 bytes");
    return jwt_read_date(value_of(reader, CLAIM_IAT), 0, issued_s) ||
           refuse(reader, "`iat` is no time");
}

/* ---- a connection's ---- */

static int64_t read_session(struct reader *reader)
{
    int64_t session;

    buf_reset(&reader->plain);
    return json_to_text(value_of(reader, CLAIM_SID), &reader->plain) &&
                   id_parse(buf_text(&reader->plain), &session)
               ? session
               : 0;
}

static bool read_sub_options(struct reader *reader, struct token_sub *sub,
                             struct json_value options)
{
    if (json_kind(options) != JSON_OBJECT && json_kind(options) != JSON_NULL)
        return refuse(reader, "a channel's options in `subs` are no object");
    if (!read_either(reader, get(options, "info"), get(options, "b64info"), &sub->info,
                     &sub->info_is_binary) ||
        !read_either(reader, get(options, "data"), get(options, "b64data"), &sub->data,
                     &sub->data_is_binary))
        return refuse(reader, "`b64info` or `b64data` in `subs` is no base64");
    return read_override(get(options, "override"), &sub->override) ||
           refuse(reader, "`override` in `subs` is not {\"presence\": {\"value\": true}} or alike");
}

/* What both forms have: room for all of them; the channel names follow. */
static bool make_room(struct reader *reader, struct connect_token *token, struct json_value list)
{
    if (json_size(list) > CLAIMS_SUBS_MAX)
        return refuse(reader, "more than 1000 server-side subscriptions");
    token->subs = arena_alloc(reader->arena, json_size(list) * sizeof(*token->subs));
    return true;
}

static int compare_channels(const void *a, const void *b)
{
    const struct text one = ((const struct token_sub *)a)->channel;
    const struct text other = ((const struct token_sub *)b)->channel;
    const int order = memcmp(one.at, other.at, one.len < other.len ? one.len : other.len);

    return order != 0 ? order : (one.len > other.len) - (one.len < other.len);
}

/* Sorts, and keeps one of those with the same channel; false when there were several. */
static bool drop_twins(struct connect_token *token)
{
    const size_t count = token->sub_count;
    size_t kept = 0;

    if (count < 2)
        return true;
    qsort(token->subs, count, sizeof(*token->subs), compare_channels);
    for (size_t i = 1; i < count; i++)
        if (!text_equal(token->subs[i].channel, token->subs[kept].channel))
            token->subs[++kept] = token->subs[i];
    token->sub_count = kept + 1;
    return token->sub_count == count;
}

static bool read_subs(struct reader *reader, struct connect_token *token, struct json_value subs)
{
    if (json_kind(subs) != JSON_OBJECT)
        return refuse(reader, "`subs` is no object");
    if (!make_room(reader, token, subs))
        return false;
    for (struct json_iter it = json_iter(subs); json_next(&it);) {
        struct token_sub *sub = &token->subs[token->sub_count++];
        buf_reset(&reader->plain);
        json_unescape(it.key, &reader->plain);
        if (reader->plain.len == 0)
            return refuse(reader, "`subs` has a channel without a name");
        sub->channel = arena_text(reader->arena, buf_text(&reader->plain));
        if (!read_sub_options(reader, sub, it.value))
            return false;
    }
    return drop_twins(token) || refuse(reader, "`subs` has a channel twice");
}

static bool read_channels(struct reader *reader, struct connect_token *token,
                          struct json_value channels)
{
    if (is_absent(channels))
        return true;
    if (json_kind(channels) != JSON_ARRAY)
        return refuse(reader, "`channels` is no list");
    if (!make_room(reader, token, channels))
        return false;
    for (struct json_iter it = json_iter(channels); json_next(&it);) {
        struct token_sub *sub = &token->subs[token->sub_count++];
        if (!read_text(reader, it.value, SIZE_MAX, &sub->channel) || sub->channel.len == 0)
            return refuse(reader, "`channels` has something that is no channel's name");
        sub->override = SUB_OVERRIDE_NONE;
    }
    drop_twins(token); /* said twice is said */
    return true;
}

static bool read_server_side(struct reader *reader, struct connect_token *token)
{
    const struct json_value subs = value_of(reader, CLAIM_SUBS);

    return is_absent(subs) ? read_channels(reader, token, value_of(reader, CLAIM_CHANNELS))
                           : read_subs(reader, token, subs);
}

static bool read_meta(struct reader *reader, struct text *out)
{
    const struct json_value meta = value_of(reader, CLAIM_META);

    if (is_absent(meta))
        return true;
    if (json_kind(meta) != JSON_OBJECT)
        return refuse(reader, "`meta` is no object");
    *out = copy_compact(reader->arena, json_raw(meta));
    return true;
}

static bool read_caps(struct reader *reader, struct connect_token *token)
{
    const struct json_value caps = value_of(reader, CLAIM_CAPS);

    token->has_caps = !is_absent(caps);
    return !token->has_caps || caps_read(&token->caps, reader->arena, caps, &reader->why);
}

static bool read_connect(struct reader *reader, const char *user_claim, struct connect_token *token)
{
    bool has_user;

    if (!is_absent(value_of(reader, CLAIM_CHANNEL)))
        return refuse(reader, "it has `channel`: a subscription token, not a connection token");
    if (!read_either(reader, value_of(reader, CLAIM_INFO), value_of(reader, CLAIM_B64INFO),
                     &token->info, &token->info_is_binary))
        return refuse(reader, "`b64info` is no base64");
    token->session = read_session(reader);
    return read_user(reader, user_claim, &token->user, &has_user) &&
           read_end(reader, &token->expires, &token->expires_s) &&
           read_origin(reader, &token->jti, &token->issued_s) && read_server_side(reader, token) &&
           read_meta(reader, &token->meta) && read_caps(reader, token);
}

bool connect_token_read(struct connect_token *token, struct json_value claims,
                        const char *user_claim, const char **why)
{
    struct reader reader = {.arena = &token->arena, .payload = claims};

    *token = (struct connect_token){0};
    find_claims(&reader);
    const bool good = read_connect(&reader, user_claim, token);
    buf_fini(&reader.plain);
    *why = reader.why;
    if (!good)
        connect_token_fini(token);
    return good;
}

void connect_token_fini(struct connect_token *token)
{
    caps_fini(&token->caps);
    arena_fini(&token->arena);
    *token = (struct connect_token){0};
}

/* ---- a subscription's ---- */

static bool read_target(struct reader *reader, struct subscribe_token *token)
{
    if (!read_text(reader, value_of(reader, CLAIM_CHANNEL), SIZE_MAX, &token->channel) ||
        token->channel.len == 0)
        return refuse(reader, "`channel` is missing: a connection token, not a subscription token");
    return read_text(reader, value_of(reader, CLAIM_CLIENT), CLAIMS_ID_MAX, &token->client) ||
           refuse(reader, "`client` is no string of at most 255 bytes");
}

static bool read_subscribe(struct reader *reader, const char *user_claim,
                           struct subscribe_token *token)
{
    if (!read_target(reader, token) ||
        !read_user(reader, user_claim, &token->user, &token->has_user) ||
        !read_end(reader, &token->expires, &token->expires_s) ||
        !read_origin(reader, &token->jti, &token->issued_s))
        return false;
    if (!read_either(reader, value_of(reader, CLAIM_INFO), value_of(reader, CLAIM_B64INFO),
                     &token->info, &token->info_is_binary) ||
        !read_either(reader, value_of(reader, CLAIM_DATA), value_of(reader, CLAIM_B64DATA),
                     &token->data, &token->data_is_binary))
        return refuse(reader, "`b64info` or `b64data` is no base64");
    return read_override(value_of(reader, CLAIM_OVERRIDE), &token->override) ||
           refuse(reader, "`override` is not {\"presence\": {\"value\": true}} or alike");
}

bool subscribe_token_read(struct subscribe_token *token, struct json_value claims,
                          const char *user_claim, const char **why)
{
    struct reader reader = {.arena = &token->arena, .payload = claims};

    *token = (struct subscribe_token){0};
    find_claims(&reader);
    const bool good = read_subscribe(&reader, user_claim, token);
    buf_fini(&reader.plain);
    *why = reader.why;
    if (!good)
        subscribe_token_fini(token);
    return good;
}

void subscribe_token_fini(struct subscribe_token *token)
{
    arena_fini(&token->arena);
    *token = (struct subscribe_token){0};
}
