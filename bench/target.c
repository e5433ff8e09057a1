#include "bench/target.h"

#include <stdlib.h>

#define EPOCH    "bench-1"
#define AUDIENCE "parley"

static const char *const names[] = {"ceiling", "gateway", NULL};

static bool check_token(void *context, struct options_notes *notes)
{
    const struct target *target = context;

    return target->kind == TARGET_CEILING || target->token_secret != NULL ||
           options_fail(notes, "the gateway wants tokens: --token-secret is missing");
}

/* clang-format off: a table reads best with a row a line */
void target_load(struct target *target, const struct options *own, int argc, char **argv)
{
    const struct option rows[] = {
        {.name = "target",
         .type = OPTION_CHOICE,
         .value = &target->kind,
         .fallback = "ceiling",
         .choices = names,
         .help = "What is measured."},
        {.name = "port",
         .type = OPTION_NUMBER,
         .value = &target->port,
         .fallback = "9100",
         .unit = "port",
         .min = 1,
         .max = 65534,
         .help = "Where to connect, on 127.0.0.1."},
        {.name = "pid",
         .type = OPTION_NUMBER,
         .value = &target->pid,
         .unit = "process",
         .min = 1,
         .max = INT32_MAX,
         .help = "The server, whose processor time and memory are measured."},
        {.name = "room",
         .type = OPTION_TEXT,
         .value = &target->room,
         .fallback = "1000000000000000007",
         .help = "Id of the made-up room."},
        {.name = "events-url",
         .type = OPTION_TEXT,
         .value = &target->events_url,
         .fallback = "tcp://127.0.0.1:9110",
         .help = "Gateway: where this program publishes."},
        {.name = "questions-url",
         .type = OPTION_TEXT,
         .value = &target->questions_url,
         .fallback = "tcp://127.0.0.1:9111",
         .help = "Gateway: where this program answers."},
        {.name = "bus-key",
         .type = OPTION_SECRET,
         .value = &target->bus_key,
         .optional = true,
         .help = "Gateway: key of the bus."},
        {.name = "token-secret",
         .type = OPTION_SECRET,
         .value = &target->token_secret,
         .optional = true,
         .help = "Gateway: key of connection tokens."},
    };
    struct options options = *own;

    options.count = ARRAY_COUNT(rows) + own->count;
    options.table = xcalloc(options.count, sizeof(*options.table));
    memcpy(options.table, rows, sizeof(rows));
    memcpy(options.table + ARRAY_COUNT(rows), own->table, own->count * sizeof(*own->table));
    options.check = check_token;
    options.context = target;
    options_load(&options, argc, argv);
    free(options.operands); /* none: they were not asked for */
    free(options.table);
    target->name = names[target->kind];
    buf_printf(&target->channel, "room:%s", target->room);
}
/* clang-format on */

struct publication_shape target_shape(const struct target *target, size_t data_bytes)
{
    return (struct publication_shape){.channel = buf_text(&target->channel),
                                      .epoch = text(EPOCH),
                                      .data_bytes = data_bytes};
}

enum err target_open_api(const struct target *target, const struct publication_shape *shape,
                         struct fake_api **out)
{
    if (target->kind == TARGET_CEILING)
        return ERR_OK;
    return fake_api_open(out, &(struct fake_api_config){.events_url = target->events_url,
                                                        .questions_url = target->questions_url,
                                                        .bus_key = text(target->bus_key),
                                                        .shape = *shape});
}

struct subscribers *target_subscribers(const struct target *target, size_t count)
{
    const bool is_gateway = target->kind == TARGET_GATEWAY;

    return subscribers_create(&(struct subscribers_config){
        .port = (int)target->port,
        .path = "/connection/websocket",
        .count = count,
        .channel = buf_text(&target->channel),
        .token_secret = is_gateway ? text(target->token_secret) : text(NULL),
        .audience = text(AUDIENCE),
    });
}
