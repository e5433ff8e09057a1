/*
 * tokens: what a signed-in device holds: a short access token (JWT) and a refresh token that is used once.
 *
 * A refresh token is `session.generation.MAC`: nothing of it is stored but the session's generation. Any thread.
 */
#pragma once

#include <stdint.h>

#include "api/settings.h"
#include "base/buf.h"
#include "base/err.h"

#define REFRESH_TOKEN_MAX 128

/* Appends an access token that lives for token.life_s; returns when it ends. */
int64_t tokens_access(struct buf *out, const struct settings *settings, int64_t user_id, int64_t session_id);

void tokens_refresh(struct buf *out, const struct settings *settings, int64_t session_id, int64_t generation);
/* ERR_BAD_TOKEN: not one of ours. Whether it is still good only the database knows. */
MUST_CHECK enum err tokens_read_refresh(struct text token, const struct settings *settings, int64_t *session_id,
                                        int64_t *generation);
