#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "operator/commands.h"
#include "operator/database.h"
#include "operator/migration.h"
#include "operator/report.h"
#include "operator/settings.h"

static enum err print_lane(struct database *database, int64_t number, int64_t version)
{
    char sql[64];
    int64_t rooms;

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM lane_%03" PRId64 ".rooms", number);
    const enum err err = database_ask_number(database, &rooms, 0, sql);
    if (err == ERR_OK)
        printf("%6" PRId64 "  %10" PRId64 "  %7" PRId64 "\n", number, rooms, version);
    return err;
}

static enum err list_lanes(struct database *database)
{
    struct rows *rows;
    enum err err = database_ask(
        database, &rows, "SELECT number, version FROM public.lanes ORDER BY number", 0, NULL);

    if (err != ERR_OK)
        return err;
    printf("%6s  %10s  %7s\n", "number", "rooms", "version");
    for (int i = 0; i < rows_count(rows) && err == ERR_OK; i++)
        err = print_lane(database, rows_number(rows, i, 0), rows_number(rows, i, 1));
    rows_free(rows);
    return err;
}

static enum err add_lanes(struct database *database, const char *schema_dir, int64_t count)
{
    int applied = 0;
    enum err err;

    if ((err = migration_lock(database)) != ERR_OK ||
        (err = migration_apply_lanes(database, schema_dir, &applied)) != ERR_OK)
        return err;
    return migration_add_lanes(database, schema_dir, count);
}

/* "" lists, "add [N]" adds; false for anything else. */
static bool read_operands(const struct command_line *line, int64_t *add)
{
    *add = 0;
    if (line->operand_count == 0)
        return true;
    if (line->operand_count > 2 || strcmp(line->operands[0], "add") != 0)
        return false;
    *add = 1;
    return line->operand_count == 1 ||
           (id_parse(text(line->operands[1]), add) && *add <= LANES_MAX);
}

int command_lanes(int argc, char **argv)
{
    struct command_line line = {
        .name = "parley lanes",
        .summary =
            "Lists the lanes that rooms live in. With the words `add [N]` it adds N (1) empty "
            "ones;\nrunning APIs notice, and put new rooms there too.",
        .uses = USES_DATABASE | USES_SCHEMA,
        .takes_operands = true,
    };
    struct database *database;
    int64_t add;

    const struct settings *settings = settings_load(&line, argc, argv);
    const bool understood = read_operands(&line, &add);
    free(line.operands);
    if (!understood) {
        report("Say parley lanes, or parley lanes add [N].", "these words mean nothing here");
        return 2;
    }
    enum err err = database_open(&database, settings->db_url);
    if (err != ERR_OK)
        return 1;
    err = add > 0 ? add_lanes(database, settings->schema_dir, add) : list_lanes(database);
    database_close(database);
    return err == ERR_OK ? 0 : 1;
}
