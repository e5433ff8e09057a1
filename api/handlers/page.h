/*
 * page: {items, has_more, next}: lists that go on behind the id of their last item.
 */
#pragma once

#include "api/request/call.h"
#include "api/store/db.h"

/* Answers 200 with a page of at most `limit` of the rows, of which one more was asked for. `id_column`: what `next` is. */
enum err page_reply(struct call *call, const struct db_rows *rows, int64_t limit, int id_column,
                    void (*write)(struct json_out *out, const struct db_rows *rows, int row));
/* The same, for what is written with more than its row. */
enum err page_reply_with(struct call *call, const struct db_rows *rows, int64_t limit, int id_column,
                         void (*write)(struct json_out *out, const struct db_rows *rows, int row, void *context), void *context);
