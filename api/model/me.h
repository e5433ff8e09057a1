/*
 * me: one's own account: a User, and what is nobody else's business (api.md's Me).
 */
#pragma once

#include "api/model/profile.h"
#include "api/model/user.h"

/* Columns of table alias `u`, in the order me_read() expects; ME_COLUMN_COUNT of them. */
#define ME_COLUMNS(u)                                                                              \
    USER_COLUMNS(u) ", " u ".created_at, " u ".email, " u ".email_verified, " u ".fields, " u ".field_visibility, " u ".who_may_write::text"
#define ME_COLUMN_COUNT (USER_COLUMN_COUNT + 6)

struct me {
    struct user user;
    int64_t created_us;
    struct text email; /* empty: none */
    bool email_verified;
    struct text fields, field_visibility; /* profile.h */
    struct text who_may_write;            /* "anyone", "contacts" */
};

void me_read(struct me *me, const struct db_rows *rows, int row, int column);
void me_write(struct json_out *out, const struct me *me);
/* The User with the fields that a reader may see who is that close. */
void me_write_for(struct json_out *out, const struct me *me, enum visibility closeness);
