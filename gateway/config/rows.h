/*
 * rows: the tables of the gateway's options, put together section by section (base/options.h). The
 * names of rows are copies, so that one table serves what appears in several places: a proxy, the
 * options of a namespace. Inside gateway/config/ and settings.c only.
 */
#pragma once

#include "base/options.h"
#include "gateway/settings.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct rows {
    struct option *at;
    size_t count;
};
/* Adds `more` with `below` before their names: "" or "channel.without_namespace.". */
void rows_add(struct rows *rows, const char *below, const struct option *more, size_t count);
void rows_fini(struct rows *rows);
#define ROWS_ADD(rows, below, table) rows_add(rows, below, table, ARRAY_COUNT(table))

/* The sections of the whole table, in its order. */
void rows_of_server(struct rows *rows, struct settings *settings);
void rows_of_client(struct rows *rows, struct settings *settings);
void rows_of_channels(struct rows *rows, struct settings *settings);
void rows_of_transports(struct rows *rows, struct settings *settings);
void rows_of_product(struct rows *rows, struct settings *settings);

/* What appears in several places. */
void rows_of_namespace(struct rows *rows, const char *below, struct namespace *namespace);
void rows_of_rpc_namespace(struct rows *rows, const char *below, struct rpc_namespace *namespace);
void rows_of_proxy(struct rows *rows, const char *below, struct proxy_settings *proxy);
