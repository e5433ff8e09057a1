/*
 * users: registration, oneself, other people. Handlers of /users and /me.
 */
#pragma once

#include "api/request/call.h"
#include "api/store/db.h"
#include "api/model/user.h"

enum err users_post(struct call *call);
enum err users_get(struct call *call);
enum err users_get_one(struct call *call);
enum err me_get(struct call *call);
enum err me_patch(struct call *call);

/* The Me object of a row: USER_COLUMNS, created_at, email. */
void users_write_me(struct json_out *out, const struct db_rows *rows, int row);
