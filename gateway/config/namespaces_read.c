#include <stdlib.h>

#include "base/option_rows.h"
#include "gateway/config/foreign.h"
#include "gateway/config/list.h"
#include "gateway/config/readers.h"

static void rows_of_named(struct rows *rows, void *item)
{
    struct namespace *s = item;
    const struct option name[] = {
        {.name = "name", .type = OPTION_TEXT, .value = &s->name, .help = "What names begin with."},
    };

    ROWS_ADD(rows, "", name);
    rows_of_namespace(rows, "", s);
}

static void rows_of_named_rpc(struct rows *rows, void *item)
{
    struct rpc_namespace *s = item;
    const struct option name[] = {
        {.name = "name", .type = OPTION_TEXT, .value = &s->name, .help = "What methods begin with."},
    };

    ROWS_ADD(rows, "", name);
    rows_of_rpc_namespace(rows, "", s);
}

bool namespaces_read(void *value, struct json_value json, struct option_place place,
                     struct options_notes *notes)
{
    struct settings *settings = value;
    static const struct list list = {.item_bytes = sizeof(struct namespace),
                                     .rows_of = rows_of_named,
                                     .foreign = foreign_in_namespaces,
                                     .named = true};
    void *items = NULL;

    const bool good =
        list_read(&list, json, place, notes, &items, &settings->channel.namespace_count);
    settings->channel.namespaces = items;
    return good;
}

bool rpc_namespaces_read(void *value, struct json_value json, struct option_place place,
                         struct options_notes *notes)
{
    struct settings *settings = value;
    static const struct list list = {.item_bytes = sizeof(struct rpc_namespace),
                                     .rows_of = rows_of_named_rpc,
                                     .named = true};
    void *items = NULL;

    const bool good = list_read(&list, json, place, notes, &items, &settings->rpc.namespace_count);
    settings->rpc.namespaces = items;
    return good;
}

static void free_regex(struct namespace *namespace)
{
    if (namespace->regex == NULL)
        return;
    regfree(namespace->regex);
    free(namespace->regex);
}

void namespaces_free(struct settings *settings)
{
    struct rows rows = {0};

    for (size_t i = 0; i < settings->channel.namespace_count; i++) {
        rows_of_named(&rows, &settings->channel.namespaces[i]);
        free_regex(&settings->channel.namespaces[i]);
    }
    for (size_t i = 0; i < settings->rpc.namespace_count; i++)
        rows_of_named_rpc(&rows, &settings->rpc.namespaces[i]);
    options_free(rows.at, rows.count);
    rows_fini(&rows);
    free_regex(&settings->channel.without_namespace);
    free(settings->channel.without_namespace.name);
    free(settings->rpc.without_namespace.name);
    free(settings->channel.namespaces);
    free(settings->rpc.namespaces);
}
