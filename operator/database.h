/*
 * database: PostgreSQL for the operator's commands: one connection, one statement at a time,
 * waiting for each. The only file of this folder that knows libpq. Problems are reported
 * (operator/report.h) where they are seen.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

#define DATABASE_VERSION_LEAST 150000

struct database;
struct rows; /* an answer */

/* `url` NULL is reported like an unreachable server. ERR_UNAVAILABLE: no connection within 10 s, or
 * PostgreSQL is too old. */
MUST_CHECK enum err database_open(struct database **out, const char *url);
void database_close(
    struct database *database); /* undoes what is not committed; NULL does nothing */

int database_version(const struct database *database); /* 150020 for 15.20 */

/* Any number of statements without parameters. `origin` is what a report names:
 * "schema/0001_people.sql". */
MUST_CHECK enum err database_run(struct database *database, const char *origin, const char *sql);

/* One statement with `count` values for $1 ... . On ERR_OK `rows` is the caller's to free. */
MUST_CHECK enum err database_ask(struct database *database, struct rows **rows, const char *sql,
                                 int count, const char *const *values);
void rows_free(struct rows *rows);
int rows_count(const struct rows *rows);
const char *rows_text(const struct rows *rows, int row,
                      int column); /* "" for NULL; lives as long as `rows` */
int64_t rows_number(const struct rows *rows, int row, int column); /* 0 for what is none */

/* The first value of the first row as a number; `otherwise` without rows, ERR_UNAVAILABLE as above.
 */
MUST_CHECK enum err database_ask_number(struct database *database, int64_t *out, int64_t otherwise,
                                        const char *sql);
