/*
 * user: a person as rows and as JSON (api.md's User). Texts are borrowed from where they were read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/store/db.h"
#include "base/json.h"

/* Columns of table alias `u`, in the order user_read() expects; USER_COLUMN_COUNT of them. */
#define USER_COLUMNS(u) u ".id, " u ".login, " u ".name, " u ".about, " u ".is_bot, " u ".version"
#define USER_COLUMN_COUNT 6

struct user {
    int64_t id; /* 0: nobody */
    struct text login, name, about;
    bool is_bot;
    int64_t version;
};

void user_read(struct user *user, const struct db_rows *rows, int row, int column);
void user_write(struct json_out *out, const struct user *user); /* the whole object */
void user_write_members(struct json_out *out, const struct user *user); /* into the open object */
/* What stands in a message: {id, name}. */
void user_write_sender(struct json_out *out, int64_t id, struct text name);
