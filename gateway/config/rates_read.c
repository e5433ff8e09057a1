#include <stdlib.h>

#include "base/option_rows.h"
#include "gateway/config/list.h"
#include "gateway/config/readers.h"
#include "gateway/protocol/command.h"

_Static_assert(COMMAND_KIND_COUNT <= RATE_COMMANDS, "a place for each kind of command");

/* Where a word's bucket goes; DEFAULT stands in for commands without one of their own. */
#define DEFAULT (-1)
static const struct {
    const char *word;
    int place;
} commands[] = {
    {"total", 0}, /* [0]: all commands together */
    {"default", DEFAULT},
    {"connect", COMMAND_CONNECT},
    {"subscribe", COMMAND_SUBSCRIBE},
    {"unsubscribe", COMMAND_UNSUBSCRIBE},
    {"publish", COMMAND_PUBLISH},
    {"presence", COMMAND_PRESENCE},
    {"presence_stats", COMMAND_PRESENCE_STATS},
    {"history", COMMAND_HISTORY},
    {"rpc", COMMAND_RPC},
    {"refresh", COMMAND_REFRESH},
    {"sub_refresh", COMMAND_SUB_REFRESH},
};

struct rate {
    bool enabled;
    struct rate_bucket bucket;
};

static void rows_of_bucket(struct rows *rows, void *item)
{
    struct rate_bucket *s = item;
    const struct option bucket[] = {
        DURATION_OPTION("interval", interval_ms, NULL, 1, DAY_MS, "The time."),
        NUMBER_OPTION("rate", rate, NULL, "commands", 1, 1000000, "Commands in that time."),
    };

    ROWS_ADD(rows, "", bucket);
}

static bool read_bucket(void *value, struct json_value json, struct option_place place,
                        struct options_notes *notes)
{
    static const struct list list = {.item_bytes = sizeof(struct rate_bucket),
                                     .rows_of = rows_of_bucket};
    struct rate_bucket *bucket = value;
    void *items = NULL;
    size_t count = 0;
    bool good = list_read(&list, json, place, notes, &items, &count);

    if (good && count > 1)
        good = options_fail(notes, "%s: one bucket is supported, not %zu", place.place, count);
    if (good && count == 1)
        *bucket = *(struct rate_bucket *)items;
    free(items);
    return good;
}

static void rows_of_rate(struct rows *rows, const char *word, struct rate *s)
{
    const struct option rate[] = {
        FLAG_OPTION("enabled", enabled, "true", "Whether it counts."),
        {.name = "buckets", .type = OPTION_JSON, .value = &s->bucket, .fallback = "[]",
         .read = read_bucket, .help = "How often."},
    };
    struct buf below = {0};

    buf_printf(&below, "%s.", word);
    ROWS_ADD(rows, buf_cstring(&below), rate);
    buf_fini(&below);
}

static void take(struct rate_settings *settings, const struct rate *rates)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (rates[i].enabled && commands[i].place == DEFAULT)
            for (size_t j = i + 1; j < ARRAY_COUNT(commands); j++)
                settings->commands[commands[j].place] = rates[i].bucket;
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (rates[i].enabled && rates[i].bucket.rate > 0 && commands[i].place != DEFAULT)
            settings->commands[commands[i].place] = rates[i].bucket;
}

bool rates_read(void *value, struct json_value json, struct option_place place,
                struct options_notes *notes)
{
    static const struct option_foreign foreign[] = {
        {"dry_run", NULL, false},
        {"rpc.method_overrides", NULL, false},
        {"redis", NULL, false},
        {NULL, NULL, false},
    };
    struct rate_settings *s = value;
    const struct option enabled[] = {
        FLAG_OPTION("enabled", enabled, "false", "Whether there are limits."),
    };
    struct rate rates[ARRAY_COUNT(commands)] = {0};
    struct rows rows = {0};

    ROWS_ADD(&rows, "", enabled);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        rows_of_rate(&rows, commands[i].word, &rates[i]);
    const struct options_object object = {
        .table = rows.at,
        .count = rows.count,
        .foreign = foreign,
        .place = place,
        .variable = place.name,
    };
    const bool good = options_read_object(&object, json, notes);
    rows_fini(&rows);
    if (good && s->enabled)
        take(s, rates);
    return good;
}
