/*
 * db_sql: words between us and PostgreSQL: what a statement is called there, how its SQL reads, and
 * what an error means here.
 */
#pragma once

#include <libpq-fe.h>

#include "api/store/db.h"

#define DB_NAME_BYTES 64 /* "select_chats@1023" and NUL */

/* "select_chats@3", or "select_user@-" without a lane. */
void db_sql_name(const struct db_query *query, char name[DB_NAME_BYTES]);
/* Appends the statement's SQL with the lane's schema for each `{lane}`. */
void db_sql_text(const struct db_query *query, struct buf *sql);

/* What db.h says of errors; logs what is our own fault as one of `what`. Never values: a
 * constraint's detail would hold them. */
enum err db_sql_error(const PGresult *result, const char *what);
/*
 * Nothing gets better on this connection: a table changed under a prepared statement, or the server
 * has become a standby.
 */
bool db_sql_wants_new_connection(const PGresult *result);
