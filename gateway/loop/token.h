/*
 * token: who a connection token (JWT) says that it is. Any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "gateway/settings.h"

#define TOKEN_USER_MAX 100 /* bytes of `sub` */

struct token {
    char user[TOKEN_USER_MAX + 1]; /* `sub`, never empty */
    size_t user_len;
    int64_t session;    /* `sid`, a string of digits; 0: the token has none */
    int64_t expires_us; /* `exp`, wall clock; 0: never */
};

/* ERR_TOKEN_EXPIRED: all is filled in. ERR_BAD_TOKEN: anything else that is wrong. */
MUST_CHECK enum err token_read(struct token *token, struct text jwt,
                               const struct settings *settings);

static inline struct text token_user(const struct token *token)
{
    return text_of(token->user, token->user_len);
}
