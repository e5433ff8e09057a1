#include "api/store/db.h"

#include <endian.h>
#include <libpq-fe.h>

#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01, where timestamps start */

void db_rows_fini(struct db_rows *rows)
{
    PQclear(rows->result); /* NULL does nothing */
    rows->result = NULL;
}

int db_count(const struct db_rows *rows)
{
    return rows->result != NULL ? PQntuples(rows->result) : 0;
}

bool db_is_null(const struct db_rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column) != 0;
}

int64_t db_i64(const struct db_rows *rows, int row, int column)
{
    const unsigned char *at = (const unsigned char *)PQgetvalue(rows->result, row, column);
    const int len = PQgetlength(rows->result, row, column);
    uint64_t value;

    if (db_is_null(rows, row, column))
        return 0;
    CHECK(len == 2 || len == 4 || len == 8); /* else the statement gives no integer here */
    value = (at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

bool db_bool(const struct db_rows *rows, int row, int column)
{
    return !db_is_null(rows, row, column) && PQgetvalue(rows->result, row, column)[0] != 0;
}

struct text db_text(const struct db_rows *rows, int row, int column)
{
    return text_of(PQgetvalue(rows->result, row, column),
                   (size_t)PQgetlength(rows->result, row, column));
}

int64_t db_time(const struct db_rows *rows, int row, int column)
{
    return db_is_null(rows, row, column) ? 0 : db_i64(rows, row, column) + PG_EPOCH_US;
}
