#include "api/store/db_sql.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define COMPLAIN_MS 10000

void db_sql_name(const struct db_query *query, char name[DB_NAME_BYTES])
{
    const int len =
        query->lane == DB_NO_LANE
            ? snprintf(name, DB_NAME_BYTES, "%s@-", query->statement->name)
            : snprintf(name, DB_NAME_BYTES, "%s@%d", query->statement->name, query->lane);
    CHECK(len < DB_NAME_BYTES);
}

void db_sql_text(const struct db_query *query, struct buf *sql)
{
    const char *at = query->statement->sql, *mark;

    for (; (mark = strstr(at, "{lane}")) != NULL; at = mark + strlen("{lane}")) {
        CHECK(query->lane != DB_NO_LANE);
        buf_add(sql, at, (size_t)(mark - at));
        buf_printf(sql, "lane_%03d", query->lane);
    }
    buf_add_text(sql, text(at));
}

static bool in_class(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

/*
 * The server's own trouble: disk full, out of memory, disk broken. Every statement may meet it, so
 * it is told now and then.
 */
static bool is_in_trouble(const char *state, const char *message, const char *what)
{
    static _Atomic int64_t told_ms = -COMPLAIN_MS;
    const int64_t now_ms = clock_mono_ms();

    if (!in_class(state, "53") && !in_class(state, "58"))
        return false;
    if (now_ms - told_ms >= COMPLAIN_MS) {
        told_ms = now_ms;
        log_error("db: %s: %s %s (told once in %d s)", what, state,
                  message != NULL ? message : "", COMPLAIN_MS / 1000);
    }
    return true;
}

enum err db_sql_error(const PGresult *result, const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL || in_class(state, "08") || in_class(state, "57") || in_class(state, "40") ||
        in_class(state, "25006") || is_in_trouble(state, message, what))
        return ERR_UNAVAILABLE;
    if (in_class(state, "23"))
        return ERR_CONFLICT;
    if (!in_class(state, "26000")) /* no such statement: why it is not there was logged */
        log_error("db: %s: %s %s", what, state, message != NULL ? message : "");
    return ERR_INTERNAL;
}

bool db_sql_wants_new_connection(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state != NULL && (in_class(state, "0A000") || in_class(state, "25006"));
}
