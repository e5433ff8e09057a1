/*
 * admin: the live admin page and what it talks to, below `admin.handler_prefix`:
 *
 *   GET  /         the page: one file without anything from elsewhere; asks for the password itself
 *   POST /login    {"password"} -> 204 and a cookie; 401: wrong; 429: too many were
 *   POST /logout   204
 *   GET  /state    state.h; 401: no session
 *   POST /api      commands of the server API, {"method","params"}: what gateway/api answers
 *
 * POSTs of pages of other sites are 403. On the loop's thread of each request.
 */
#pragma once

#include <h2o.h>

#include "gateway/settings.h"

void admin_init(const struct settings *settings); /* once, before the loops run */
int admin_on_request(h2o_req_t *req);
