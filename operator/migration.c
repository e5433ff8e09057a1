#include "operator/migration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "operator/report.h"
#include "operator/schema_files.h"

#define LANE_NAME_BYTES 16

static void name_lane(char out[LANE_NAME_BYTES], int64_t number)
{
    snprintf(out, LANE_NAME_BYTES, "lane_%03" PRId64, number);
}

static void print_step(const char *subject, const char *what, int64_t began_ms)
{
    printf("%-10s %-40s %5" PRId64 " ms\n", subject, what, clock_mono_ms() - began_ms);
    fflush(stdout);
}

enum err migration_lock(struct database *database)
{
    static const char lock_number[] = "7812003319"; /* any number that only this program uses */
    char sql[96];
    int64_t got;
    enum err err;

    snprintf(sql, sizeof(sql), "SELECT pg_try_advisory_lock(%s)::int", lock_number);
    if ((err = database_ask_number(database, &got, 0, sql)) != ERR_OK || got == 1)
        return err;
    printf("waiting for another run that changes this database ...\n");
    fflush(stdout);
    snprintf(sql, sizeof(sql), "SELECT pg_advisory_lock(%s)", lock_number);
    return database_run(database, "the lock,", sql);
}

/* Runs files `from`..`to` - 1 and then `record`, in one transaction. */
static enum err run_files(struct database *database, const struct schema_files *files, size_t from,
                          size_t to, const char *lane, const char *record)
{
    struct buf sql = {0};
    enum err err = database_run(database, "begin,", "BEGIN");

    for (size_t i = from; i < to && err == ERR_OK; i++) {
        buf_reset(&sql);
        if ((err = schema_files_read(files, i, lane, &sql)) == ERR_OK)
            err = database_run(database, files->names[i], buf_cstring(&sql));
    }
    buf_fini(&sql);
    if (err == ERR_OK && (err = database_run(database, "its record,", record)) == ERR_OK)
        return database_run(database, "commit,", "COMMIT");
    (void)!database_run(database, "rollback,", "ROLLBACK");
    return err;
}

static enum err is_applied(struct database *database, const char *name, bool *applied)
{
    const char *const values[] = {name};
    struct rows *rows;
    enum err err =
        database_ask(database, &rows, "SELECT 1 FROM public.migrations WHERE name = $1", 1, values);
    if (err != ERR_OK)
        return err;
    *applied = rows_count(rows) > 0;
    rows_free(rows);
    return ERR_OK;
}

static enum err apply_public_file(struct database *database, const struct schema_files *files,
                                  size_t index, int *applied)
{
    const int64_t began_ms = clock_mono_ms();
    char record[512]; /* the name has neither quotes nor control characters: is_schema_file() */
    bool done;
    enum err err;

    if ((err = is_applied(database, files->names[index], &done)) != ERR_OK || done)
        return err;
    snprintf(record, sizeof(record), "INSERT INTO public.migrations (name) VALUES ('%s')",
             files->names[index]);
    if ((err = run_files(database, files, index, index + 1, NULL, record)) != ERR_OK)
        return err;
    print_step("public", files->names[index], began_ms);
    (*applied)++;
    return ERR_OK;
}

enum err migration_apply_public(struct database *database, const char *schema_dir, int *applied)
{
    struct schema_files files;
    enum err err;

    if ((err = schema_files_list(&files, schema_dir, NULL)) == ERR_OK)
        err = database_run(database, "public.migrations",
                           "CREATE TABLE IF NOT EXISTS public.migrations (name text PRIMARY KEY, "
                           "applied_at timestamptz NOT NULL DEFAULT now())");
    for (size_t i = 0; i < files.count && err == ERR_OK; i++)
        err = apply_public_file(database, &files, i, applied);
    schema_files_fini(&files);
    return err;
}

static enum err apply_lane(struct database *database, const struct schema_files *files,
                           int64_t number, size_t version, int *applied)
{
    char lane[LANE_NAME_BYTES], record[96];

    name_lane(lane, number);
    if (version > files->count) {
        report("Use the newer parley that made it so.",
               "%s is at version %zu, and there are %zu files in %s", lane, version, files->count,
               files->folder);
        return ERR_CONFLICT;
    }
    for (; version < files->count; version++, (*applied)++) {
        const int64_t began_ms = clock_mono_ms();
        snprintf(record, sizeof(record),
                 "UPDATE public.lanes SET version = %zu WHERE number = %" PRId64, version + 1,
                 number);
        const enum err err = run_files(database, files, version, version + 1, lane, record);
        if (err != ERR_OK)
            return err;
        print_step(lane, files->names[version], began_ms);
    }
    return ERR_OK;
}

enum err migration_apply_lanes(struct database *database, const char *schema_dir, int *applied)
{
    struct schema_files files;
    struct rows *rows = NULL;
    enum err err;

    if ((err = schema_files_list(&files, schema_dir, "lane")) == ERR_OK)
        err = database_ask(database, &rows,
                           "SELECT number, version FROM public.lanes ORDER BY number", 0, NULL);
    for (int i = 0; err == ERR_OK && i < rows_count(rows); i++)
        err = apply_lane(database, &files, rows_number(rows, i, 0), (size_t)rows_number(rows, i, 1),
                         applied);
    rows_free(rows);
    schema_files_fini(&files);
    return err;
}

static enum err add_lane(struct database *database, const struct schema_files *files,
                         int64_t number)
{
    const int64_t began_ms = clock_mono_ms();
    char lane[LANE_NAME_BYTES], record[96];

    name_lane(lane, number);
    snprintf(record, sizeof(record),
             "INSERT INTO public.lanes (number, version) VALUES (%" PRId64 ", %zu)", number,
             files->count);
    const enum err err = run_files(database, files, 0, files->count, lane, record);
    if (err == ERR_OK)
        print_step(lane, "made", began_ms);
    return err;
}

enum err migration_add_lanes(struct database *database, const char *schema_dir, int64_t count)
{
    struct schema_files files;
    int64_t next;
    enum err err;

    if ((err = schema_files_list(&files, schema_dir, "lane")) == ERR_OK)
        err = database_ask_number(database, &next, 0,
                                  "SELECT coalesce(max(number), -1) + 1 FROM public.lanes");
    if (err == ERR_OK && next + count > LANES_MAX) {
        report(NULL, "there are %" PRId64 " lanes, and ids have room for %d", next, LANES_MAX);
        err = ERR_OUT_OF_RANGE;
    }
    for (int64_t i = 0; i < count && err == ERR_OK; i++)
        err = add_lane(database, &files, next + i);
    schema_files_fini(&files);
    return err;
}

static enum err count_public(struct database *database, const char *schema_dir, int *missing)
{
    struct schema_files files;
    enum err err = schema_files_list(&files, schema_dir, NULL);

    for (size_t i = 0; i < files.count && err == ERR_OK; i++) {
        bool applied = false;
        err = is_applied(database, files.names[i], &applied);
        *missing += !applied;
    }
    schema_files_fini(&files);
    return err;
}

enum err migration_missing(struct database *database, const char *schema_dir, int *missing)
{
    struct schema_files files;
    int64_t exists, behind;
    enum err err;

    *missing = 0;
    if ((err = database_ask_number(database, &exists, 0,
                                   "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' "
                                   "AND tablename IN ('migrations', 'lanes')")) != ERR_OK)
        return err;
    if (exists < 2)
        return ERR_NOT_FOUND;
    if ((err = count_public(database, schema_dir, missing)) != ERR_OK)
        return err;
    if ((err = schema_files_list(&files, schema_dir, "lane")) == ERR_OK) {
        char sql[96];
        snprintf(sql, sizeof(sql), "SELECT sum(greatest(%zu - version, 0)) FROM public.lanes",
                 files.count);
        err = database_ask_number(database, &behind, 0, sql);
        if (err == ERR_OK)
            *missing += (int)behind;
    }
    schema_files_fini(&files);
    return err;
}
