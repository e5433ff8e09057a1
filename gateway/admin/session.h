/*
 * session: who may use the admin page: who has told its password less than a day ago, in this
 * browser. A session is a signed token in a cookie that scripts cannot read and other sites cannot
 * send; nothing is kept here, so that every gateway with the same `admin.secret` and
 * `admin.password` knows it, and a new password ends all of them. Any loop's thread.
 */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "base/err.h"
#include "gateway/settings.h"

#define SESSION_TRIES_MAX 10 /* wrong passwords in a minute, of everybody together */

void session_init(const struct settings *settings); /* once, before the loops run */

/* The request comes from a page of ours, not from that of another site. */
bool session_is_same_site(const h2o_req_t *req);

/* It has the cookie, or needs none (`admin.insecure`). */
bool session_is_open(const h2o_req_t *req);

/*
 * Adds the cookie to the answer. ERR_BAD_CREDENTIALS: the wrong password. ERR_LIMIT: too many
 * were wrong within a minute, this one was not even looked at.
 */
MUST_CHECK enum err session_begin(h2o_req_t *req, struct text password);
void session_end(h2o_req_t *req); /* the browser forgets it */
