#include "api/handlers/page.h"

enum err page_reply_with(struct call *call, const struct db_rows *rows, int64_t limit, int id_column,
                         void (*write)(struct json_out *out, const struct db_rows *rows, int row, void *context), void *context)
{
    struct json_out out = {.buf = call_out(call)};
    const bool has_more = db_count(rows) > limit;
    const int count = has_more ? (int)limit : db_count(rows);

    json_open(&out, '{');
    json_key(&out, "items");
    json_open(&out, '[');
    for (int i = 0; i < count; i++)
        write(&out, rows, i, context);
    json_close(&out, ']');
    json_key_bool(&out, "has_more", has_more);
    if (has_more)
        json_key_id(&out, "next", db_i64(rows, count - 1, id_column));
    json_close(&out, '}');
    return call_reply(call, 200);
}

struct by_row {
    void (*write)(struct json_out *out, const struct db_rows *rows, int row);
};

static void write_by_row(struct json_out *out, const struct db_rows *rows, int row, void *context)
{
    ((const struct by_row *)context)->write(out, rows, row);
}

enum err page_reply(struct call *call, const struct db_rows *rows, int64_t limit, int id_column,
                    void (*write)(struct json_out *out, const struct db_rows *rows, int row))
{
    return page_reply_with(call, rows, limit, id_column, write_by_row, &(struct by_row){write});
}
