#include "api/model/group.h"

#include "base/err.h"

void group_read(struct group *group, const struct db_rows *rows, int row, int column)
{
    *group = (struct group){
        .id = db_i64(rows, row, column),
        .name = db_text(rows, row, column + 1),
        .slug = db_text(rows, row, column + 2),
        .about = db_text(rows, row, column + 3),
        .created_by = db_i64(rows, row, column + 5),
        .created_us = db_time(rows, row, column + 6),
        .member_count = db_i64(rows, row, column + 7),
        .version = db_i64(rows, row, column + 8),
        .topics = db_text(rows, row, column + 9),
        .role = ROLE_LEFT,
    };
    CHECK(room_kind_from(db_text(rows, row, column + 4), &group->kind));
    if (!db_is_null(rows, row, column + 10))
        CHECK(member_role_from(db_text(rows, row, column + 10), &group->role));
}

void group_write(struct json_out *out, const struct group *group)
{
    json_open(out, '{');
    json_key_id(out, "id", group->id);
    json_key_text(out, "name", group->name);
    if (group->slug.len > 0)
        json_key_text(out, "slug", group->slug);
    json_key_text(out, "about", group->about);
    json_key_text(out, "visibility", text(room_kind_name(group->kind)));
    json_key_time(out, "created_at", group->created_us);
    json_key_id(out, "created_by", group->created_by);
    json_key_i64(out, "member_count", group->member_count);
    json_key_raw(out, "topics", group->topics);
    json_key_i64(out, "version", group->version);
    if (group->role != ROLE_LEFT)
        json_key_text(out, "role", text(member_role_name(group->role)));
    json_close(out, '}');
}
