#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "operator/commands.h"
#include "operator/database.h"
#include "operator/migration.h"
#include "operator/settings.h"

static enum err make_first_lanes(struct database *database, const char *schema_dir, int64_t wanted)
{
    int64_t lanes;
    const enum err err =
        database_ask_number(database, &lanes, 0, "SELECT count(*) FROM public.lanes");
    if (err != ERR_OK || lanes > 0)
        return err;
    return migration_add_lanes(database, schema_dir, wanted);
}

static enum err migrate(struct database *database, const char *schema_dir, int64_t lanes)
{
    const int64_t began_ms = clock_mono_ms();
    int applied = 0;
    enum err err;

    if ((err = migration_lock(database)) != ERR_OK ||
        (err = migration_apply_public(database, schema_dir, &applied)) != ERR_OK ||
        (err = migration_apply_lanes(database, schema_dir, &applied)) != ERR_OK ||
        (err = make_first_lanes(database, schema_dir, lanes)) != ERR_OK)
        return err;
    if (applied == 0)
        printf("nothing to do: the schema is complete\n");
    else
        printf("the schema is complete: %d file%s applied in %" PRId64 " ms\n", applied,
               applied == 1 ? "" : "s", clock_mono_ms() - began_ms);
    return ERR_OK;
}

int command_migrate(int argc, char **argv)
{
    int64_t lanes;
    struct option own[] = {
        {.name = "lanes",
         .type = OPTION_NUMBER,
         .value = &lanes,
         .fallback = "4",
         .unit = "lanes",
         .min = 1,
         .max = LANES_MAX,
         .help = "Lanes of a new database; later ones: parley lanes add."},
    };
    struct command_line line = {
        .name = "parley migrate",
        .summary = "Brings the database to the newest schema. Run it again at any time: what is "
                   "there already stays.",
        .uses = USES_DATABASE | USES_SCHEMA,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };
    struct database *database;

    const struct settings *settings = settings_load(&line, argc, argv);
    enum err err = database_open(&database, settings->db_url);
    if (err != ERR_OK)
        return 1;
    err = migrate(database, settings->schema_dir, lanes);
    database_close(database);
    return err == ERR_OK ? 0 : 1;
}
