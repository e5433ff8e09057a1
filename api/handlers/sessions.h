/*
 * sessions: signing in and out. Handlers of /sessions, and what registration shares with them.
 */
#pragma once

#include "api/request/call.h"
#include "api/store/db.h"
#include "api/model/user.h"

enum err sessions_post(struct call *call);
enum err sessions_refresh(struct call *call);
enum err sessions_get(struct call *call);
enum err sessions_delete_one(struct call *call);
enum err sessions_delete_current(struct call *call);
enum err sessions_delete_all(struct call *call);

/* Body members that every way of signing in takes: `device`, `cookie`. */
#define SESSION_BODY "device cookie"

struct sign_in {
    struct text device;
    bool in_cookie; /* refresh token in an HttpOnly cookie */
};
MUST_CHECK enum err sign_in_read(struct call *call, struct sign_in *sign_in);

/* Columns of a session: id, device, created_at, last_used_at, ip. */
#define SESSION_COLUMNS(s) s ".id, " s ".device, " s ".created_at, " s ".last_used_at, " s ".ip"
#define SESSION_COLUMN_COUNT 5

/* Answers 201 {user, session, tokens}. The row: ME_COLUMNS, then SESSION_COLUMNS; generation 1. */
enum err sign_in_reply(struct call *call, const struct sign_in *sign_in, const struct db_rows *rows);
