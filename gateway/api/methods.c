#include "gateway/api/methods.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <strings.h>

#include "gateway/api/api_command.h"
#include "gateway/protocol/codes.h"

/* The first thirteen in the order of their numbers. */
static const struct api_method table[] = {
    {"publish", api_publish},
    {"broadcast", api_broadcast},
    {"unsubscribe", api_unsubscribe},
    {"disconnect", api_disconnect},
    {"presence", api_presence},
    {"presence_stats", api_presence_stats},
    {"history", api_history},
    {"history_remove", api_history_remove},
    {"channels", api_channels},
    {"info", api_info},
    {"rpc", api_rpc},
    {"subscribe", api_subscribe},
    {"refresh", api_refresh},
    {"batch", api_batch, .tells_all = true},
    {"connections", api_connections},
    {"user_status", api_user_status},
    {"block_user", api_block_user},
    {"unblock_user", api_unblock_user},
    {"revoke_token", api_revoke_token},
    {"invalidate_user_tokens", api_invalidate_user_tokens},
};
#define NUMBERED 13

const struct api_method *methods_find(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (text_equal(name, text(table[i].name)))
            return &table[i];
    return NULL;
}

const struct api_method *methods_find_any_case(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (name.len == strlen(table[i].name) && strncasecmp(name.at, table[i].name, name.len) == 0)
            return &table[i];
    return NULL;
}

const struct api_method *methods_numbered(uint64_t number)
{
    return number < NUMBERED ? &table[number] : NULL;
}

/* ---- counting: seldom enough for all threads to share the numbers ---- */

#define ERRORS (PROTOCOL_CONFLICT - PROTOCOL_INTERNAL + 1)

static struct {
    _Atomic uint64_t good, failed[ERRORS];
} counts[ARRAY_COUNT(table)];

static _Atomic uint64_t *place_of(size_t method, int error)
{
    if (error == 0)
        return &counts[method].good;
    if (error < PROTOCOL_INTERNAL || error > PROTOCOL_CONFLICT)
        error = PROTOCOL_INTERNAL;
    return &counts[method].failed[error - PROTOCOL_INTERNAL];
}

void methods_count(const struct api_method *method, int error)
{
    if (method != NULL)
        atomic_fetch_add_explicit(place_of((size_t)(method - table), error), 1,
                                  memory_order_relaxed);
}

static void print_one(struct buf *out, size_t method, int error)
{
    const uint64_t count = atomic_load_explicit(place_of(method, error), memory_order_relaxed);

    if (count > 0)
        buf_printf(out,
                   "parley_gateway_api_commands_total{method=\"%s\",error=\"%d\"} %" PRIu64 "\n",
                   table[method].name, error, count);
}

void methods_print(struct buf *out)
{
    buf_printf(out, "# HELP parley_gateway_api_commands_total "
                    "Commands of the server API by what came of them; error 0: done.\n"
                    "# TYPE parley_gateway_api_commands_total counter\n");
    for (size_t method = 0; method < ARRAY_COUNT(table); method++) {
        print_one(out, method, 0);
        for (int error = PROTOCOL_INTERNAL; error <= PROTOCOL_CONFLICT; error++)
            print_one(out, method, error);
    }
}
