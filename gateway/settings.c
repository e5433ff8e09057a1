#include "gateway/settings.h"

#include <stdlib.h>

#include "gateway/config/check.h"
#include "gateway/config/foreign.h"
#include "gateway/config/readers.h"
#include "gateway/config/rows.h"

static void all_rows(struct rows *rows, struct settings *settings)
{
    rows_of_server(rows, settings);
    rows_of_client(rows, settings);
    rows_of_channels(rows, settings);
    rows_of_transports(rows, settings);
    rows_of_product(rows, settings);
}

static void prepare(struct options *options, struct rows *rows, struct settings *settings)
{
    *settings = (struct settings){0};
    all_rows(rows, settings);
    *options = (struct options){
        .program = "parley-gateway",
        .summary =
            "Holds the connections of clients and delivers what happens in their channels: of "
            "Parley's APIs, by the bus, or alone, as a server of the Centrifuge protocol.",
        .table = rows->at,
        .count = rows->count,
        .product = "Centrifugo",
        .foreign = foreign_names,
        .check = check_settings,
        .context = settings,
    };
}

void settings_load(struct settings *settings, int argc, char **argv)
{
    struct rows rows = {0};
    struct options options;

    prepare(&options, &rows, settings);
    options_load(&options, argc, argv);
    free(options.operands); /* there can be none */
    rows_fini(&rows);
}

void settings_default(struct settings *settings)
{
    char *argv[] = {"parley-gateway", "--token.secret=no secret in tests",
                    "--bus.apis=tcp://127.0.0.1:7800", NULL};

    settings_load(settings, 3, argv);
}

bool settings_read(struct settings *settings, struct text file, const char *path,
                   struct options_notes *notes)
{
    struct rows rows = {0};
    struct options options;

    prepare(&options, &rows, settings);
    const bool good = options_read(&options, file, path, notes);
    rows_fini(&rows);
    return good;
}

static void free_proxies(struct settings *settings)
{
    struct proxy_settings *own[] = {
        &settings->client.connect_proxy,    &settings->client.refresh_proxy,
        &settings->channel.subscribe_proxy, &settings->channel.publish_proxy,
        &settings->channel.sub_refresh_proxy, &settings->rpc.proxy,
    };

    for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
        proxy_free_lists(own[i]);
        free(own[i]->name);
    }
    proxies_free(settings);
}

void settings_fini(struct settings *settings)
{
    struct rows rows = {0};

    free_proxies(settings);
    namespaces_free(settings);
    webhooks_free(settings);
    all_rows(&rows, settings);
    options_free(rows.at, rows.count);
    rows_fini(&rows);
    *settings = (struct settings){0};
}
