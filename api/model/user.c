#include "api/model/user.h"

void user_read(struct user *user, const struct db_rows *rows, int row, int column)
{
    *user = (struct user){
        .id = db_i64(rows, row, column),
        .login = db_text(rows, row, column + 1),
        .name = db_text(rows, row, column + 2),
        .about = db_text(rows, row, column + 3),
        .is_bot = db_bool(rows, row, column + 4),
        .version = db_i64(rows, row, column + 5),
    };
}

void user_write_members(struct json_out *out, const struct user *user)
{
    json_key_id(out, "id", user->id);
    json_key_text(out, "login", user->login);
    json_key_text(out, "name", user->name);
    json_key_text(out, "about", user->about);
    json_key_bool(out, "is_bot", user->is_bot);
    json_key_i64(out, "version", user->version);
}

void user_write(struct json_out *out, const struct user *user)
{
    json_open(out, '{');
    user_write_members(out, user);
    json_close(out, '}');
}

void user_write_sender(struct json_out *out, int64_t id, struct text name)
{
    json_open(out, '{');
    json_key_id(out, "id", id);
    json_key_text(out, "name", name);
    json_close(out, '}');
}
