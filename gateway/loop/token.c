#include "gateway/loop/token.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/jwt.h"

#define SECOND_US 1000000

static bool read_user(struct token *token, struct json_value claim)
{
    struct buf user = {0};
    const bool good = json_to_text(claim, &user) && user.len > 0 && user.len <= TOKEN_USER_MAX;

    if (good) {
        memcpy(token->user, user.at, user.len);
        token->user_len = user.len;
        token->user[user.len] = '\0';
    }
    buf_fini(&user);
    return good;
}

static bool read_session(struct token *token, struct json_value claim)
{
    struct buf session = {0};
    bool good = json_kind(claim) == JSON_NONE;

    if (!good)
        good = json_to_text(claim, &session) && id_parse(buf_text(&session), &token->session);
    buf_fini(&session);
    return good;
}

static bool read_expiry(struct token *token, struct json_value claim)
{
    int64_t expires_s;

    if (json_kind(claim) == JSON_NONE)
        return true;
    if (!json_to_i64(claim, &expires_s) || expires_s <= 0 || expires_s > INT64_MAX / SECOND_US)
        return false;
    token->expires_us = expires_s * SECOND_US;
    return true;
}

enum err token_read(struct token *token, struct text jwt, const struct settings *settings)
{
    const struct jwt_rules rules = {
        .key = text(settings->token.secret),
        .audience = text(settings->token.audience),
        .now_us = clock_wall_us(),
    };
    struct buf payload = {0};
    struct json claims = {0};
    enum err err = jwt_verify(jwt, &rules, &payload, &claims);

    *token = (struct token){0};
    if (err == ERR_OK || err == ERR_TOKEN_EXPIRED) {
        const struct json_value root = json_root(&claims);
        if (!read_user(token, json_get(root, "sub")) ||
            !read_session(token, json_get(root, "sid")) ||
            !read_expiry(token, json_get(root, "exp")))
            err = ERR_BAD_TOKEN;
    }
    json_fini(&claims);
    buf_fini(&payload);
    return err;
}
