#include "api/model/me.h"

void me_read(struct me *me, const struct db_rows *rows, int row, int column)
{
    user_read(&me->user, rows, row, column);
    column += USER_COLUMN_COUNT;
    me->created_us = db_time(rows, row, column);
    me->email = db_is_null(rows, row, column + 1) ? text("") : db_text(rows, row, column + 1);
    me->email_verified = db_bool(rows, row, column + 2);
    me->fields = db_text(rows, row, column + 3);
    me->field_visibility = db_text(rows, row, column + 4);
    me->who_may_write = db_text(rows, row, column + 5);
}

static void write_user(struct json_out *out, const struct me *me, enum visibility closeness)
{
    user_write_members(out, &me->user);
    json_key(out, "fields");
    profile_write(out, me->fields, me->field_visibility, closeness);
}

void me_write(struct json_out *out, const struct me *me)
{
    json_open(out, '{');
    write_user(out, me, VISIBLE_TO_NOBODY);
    json_key(out, "field_visibility");
    profile_write_visibility(out, me->fields, me->field_visibility);
    json_key_text(out, "who_may_write", me->who_may_write);
    if (me->email.len > 0)
        json_key_text(out, "email", me->email);
    json_key_bool(out, "email_verified", me->email_verified);
    json_key_time(out, "created_at", me->created_us);
    json_close(out, '}');
}

void me_write_for(struct json_out *out, const struct me *me, enum visibility closeness)
{
    json_open(out, '{');
    write_user(out, me, closeness);
    json_close(out, '}');
}
