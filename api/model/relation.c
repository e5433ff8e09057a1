#include "api/model/relation.h"

void relation_read(struct relation *relation, const struct db_rows *rows, int row, int column)
{
    *relation = (struct relation){
        .user_id = db_i64(rows, row, column),
        .other_id = db_i64(rows, row, column + 1),
        .is_contact = !db_is_null(rows, row, column + 2) && db_bool(rows, row, column + 2),
        .is_blocked = !db_is_null(rows, row, column + 3) && db_bool(rows, row, column + 3),
        .changed_us = db_time(rows, row, column + 4),
    };
}

void relation_write_members(struct json_out *out, const struct relation *relation)
{
    json_key_id(out, "user_id", relation->other_id);
    json_key_bool(out, "contact", relation->is_contact);
    json_key_bool(out, "blocked", relation->is_blocked);
    json_key_time_exact(out, "changed_at", relation->changed_us);
}

enum visibility relation_closeness(const struct relation *relation, int64_t person_id, int64_t reader_id)
{
    if (person_id == reader_id)
        return VISIBLE_TO_NOBODY;
    return relation->is_contact ? VISIBLE_TO_CONTACTS : VISIBLE_TO_EVERYONE;
}
