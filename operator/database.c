#include "operator/database.h"

#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "operator/report.h"

struct database {
    PGconn *conn;
};

/* A libpq message is several lines, of which the first says what happened. */
static char *first_line(const char *message)
{
    return xstrndup(message, strcspn(message, "\n"));
}

static enum err refuse_connection(PGconn *conn)
{
    char *why = first_line(PQerrorMessage(conn));
    report("Is PostgreSQL running? Its address is option db.url (--db.url=..., PARLEY_DB_URL, or a "
           "file with PARLEY_DB_URL_FILE).",
           "cannot reach PostgreSQL: %s", why);
    free(why);
    PQfinish(conn);
    return ERR_UNAVAILABLE;
}

enum err database_open(struct database **out, const char *url)
{
    const char *const keywords[] = {"dbname", "connect_timeout", "application_name", "options",
                                    NULL};
    const char *const values[] = {url, "10", "parley", "-c client_min_messages=warning", NULL};

    if (url == NULL) {
        report("Give it as --db.url=postgresql://user@host/database, PARLEY_DB_URL, or a file with "
               "PARLEY_DB_URL_FILE.",
               "no database is named");
        return ERR_UNAVAILABLE;
    }
    PGconn *conn = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(conn) != CONNECTION_OK)
        return refuse_connection(conn);
    if (PQserverVersion(conn) < DATABASE_VERSION_LEAST) {
        report("Parley needs PostgreSQL 15 or newer.", "this is PostgreSQL %s",
               PQparameterStatus(conn, "server_version"));
        PQfinish(conn);
        return ERR_UNAVAILABLE;
    }
    *out = xcalloc(1, sizeof(**out));
    (*out)->conn = conn;
    return ERR_OK;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    PQfinish(database->conn);
    free(database);
}

int database_version(const struct database *database)
{
    return PQserverVersion(database->conn);
}

/* The line of the statement that PostgreSQL points at; 1 when it points nowhere. */
static int line_of(const PGresult *result, const char *sql)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    int line = 1;

    if (position == NULL)
        return line;
    for (long at = strtol(position, NULL, 10); at > 1 && *sql != '\0'; at--, sql++)
        line += *sql == '\n';
    return line;
}

static enum err refuse(struct database *database, PGresult *result, const char *origin,
                       const char *sql)
{
    char *why = first_line(PQerrorMessage(database->conn));
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

    if (PQstatus(database->conn) != CONNECTION_OK)
        report("Nothing half done stays; run this again when PostgreSQL is back.",
               "lost the connection to PostgreSQL: %s", why);
    else
        report(hint, "%s line %d: %s", origin, line_of(result, sql), why);
    free(why);
    PQclear(result);
    return ERR_UNAVAILABLE;
}

static bool is_success(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

enum err database_run(struct database *database, const char *origin, const char *sql)
{
    PGresult *result = PQexec(database->conn, sql);
    if (!is_success(result))
        return refuse(database, result, origin, sql);
    PQclear(result);
    return ERR_OK;
}

/* A PGresult under another name, so that nobody else needs libpq's header. */
static PGresult *result_of(const struct rows *rows)
{
    return (PGresult *)rows;
}

enum err database_ask(struct database *database, struct rows **rows, const char *sql, int count,
                      const char *const *values)
{
    PGresult *result = PQexecParams(database->conn, sql, count, NULL, values, NULL, NULL, 0);
    if (!is_success(result))
        return refuse(database, result, "a statement,", sql);
    *rows = (struct rows *)result;
    return ERR_OK;
}

void rows_free(struct rows *rows)
{
    PQclear(result_of(rows));
}

int rows_count(const struct rows *rows)
{
    return PQntuples(result_of(rows));
}

const char *rows_text(const struct rows *rows, int row, int column)
{
    return PQgetvalue(result_of(rows), row, column);
}

int64_t rows_number(const struct rows *rows, int row, int column)
{
    return strtoll(rows_text(rows, row, column), NULL, 10);
}

enum err database_ask_number(struct database *database, int64_t *out, int64_t otherwise,
                             const char *sql)
{
    struct rows *rows;
    enum err err;

    if ((err = database_ask(database, &rows, sql, 0, NULL)) != ERR_OK)
        return err;
    *out = rows_count(rows) > 0 ? rows_number(rows, 0, 0) : otherwise;
    rows_free(rows);
    return ERR_OK;
}
