#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "operator/commands.h"
#include "operator/database.h"
#include "operator/settings.h"
#include "operator/verify_checks.h"

struct tally {
    int64_t findings;
    int64_t most; /* of one check in one lane that are shown */
};

static void put_lane(struct buf *out, const char *sql, int64_t lane)
{
    static const char place[] = "{lane}";

    for (const char *at; (at = strstr(sql, place)) != NULL; sql = at + strlen(place)) {
        buf_add(out, sql, (size_t)(at - sql));
        buf_printf(out, "lane_%03" PRId64, lane);
    }
    buf_add_text(out, text(sql));
}

static void print_findings(const struct rows *rows, const struct verify_check *check, int64_t lane, struct tally *tally)
{
    const int count = rows_count(rows);

    for (int i = 0; i < count && i < tally->most; i++)
        printf("lane_%03" PRId64 "  %-13s  room %s  %s\n", lane, check->name, rows_text(rows, i, 0), rows_text(rows, i, 1));
    if (count > tally->most)
        printf("lane_%03" PRId64 "  %-13s  and %" PRId64 " more\n", lane, check->name, count - tally->most);
    tally->findings += count;
}

static enum err verify_lane(struct database *database, int64_t lane, struct tally *tally)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < verify_check_count && err == ERR_OK; i++) {
        struct buf sql = {0};
        struct rows *rows;
        put_lane(&sql, verify_checks[i].sql, lane);
        if ((err = database_ask(database, &rows, buf_cstring(&sql), 0, NULL)) == ERR_OK) {
            print_findings(rows, &verify_checks[i], lane, tally);
            rows_free(rows);
        }
        buf_fini(&sql);
    }
    return err;
}

static enum err verify(struct database *database, struct tally *tally)
{
    struct rows *lanes;
    enum err err = database_ask(database, &lanes, "SELECT number FROM public.lanes ORDER BY number", 0, NULL);

    if (err != ERR_OK)
        return err;
    for (int i = 0; i < rows_count(lanes) && err == ERR_OK; i++)
        err = verify_lane(database, rows_number(lanes, i, 0), tally);
    if (err == ERR_OK)
        printf("%d lanes, %zu checks of each: %" PRId64 " findings\n", rows_count(lanes), verify_check_count, tally->findings);
    rows_free(lanes);
    return err;
}

int command_verify(int argc, char **argv)
{
    struct tally tally = {0};
    struct option own[] = {
        {.name = "most",
         .type = OPTION_NUMBER,
         .value = &tally.most,
         .fallback = "20",
         .min = 0,
         .max = 1000000,
         .help = "Findings of one check in one lane that are shown."},
    };
    struct command_line line = {
        .name = "parley verify",
        .summary = "Counts anew what is counted in the database: numbers of logs, members, unread, mentions, reactions; and\n"
                   "looks whether all of a deleted message is gone. Reads every event, changes nothing, may run beside the API.\n"
                   "Exit status 1 when something is wrong.",
        .uses = USES_DATABASE,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };
    struct database *database;

    const struct settings *settings = settings_load(&line, argc, argv);
    enum err err = database_open(&database, settings->db_url);
    if (err != ERR_OK)
        return 1;
    err = verify(database, &tally);
    database_close(database);
    return err == ERR_OK && tally.findings == 0 ? 0 : 1;
}
