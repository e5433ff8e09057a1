/*
 * settings: the options of parley-api, read once at the start and never changed. Numbers are within
 * the ranges of the table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Rates, by class of route (api/request/limits.h). */
enum limit {
    LIMIT_REGISTER,
    LIMIT_SIGN_IN,
    LIMIT_REFRESH,
    LIMIT_PASSWORD,
    LIMIT_SEND,
    LIMIT_SEND_ROOM,
    LIMIT_WRITE,
    LIMIT_READ,
    LIMIT_SEARCH,
    LIMIT_FIND,
    LIMIT_ACCOUNT,
    LIMIT_COUNT,
};

struct limit_rate {
    int64_t per_minute; /* 0: no limit */
    int64_t burst;      /* at once, after some silence */
};

struct settings {
    struct {
        char *host;
        int64_t port;
        char *origins; /* list; empty: pages of the same host, any port */
        char *web_dir; /* empty: no pages */
        int64_t body_max_bytes;
        int64_t connection_limit;
        char *trusted_proxies; /* list of addresses and networks */
        bool metrics;
    } http;
    struct {
        int64_t threads;
        int64_t tasks_max; /* per thread */
        int64_t deadline_ms;
        int64_t drain_ms;
    } api;
    struct {
        char *url;
        int64_t connections; /* per thread */
        int64_t open_max;
        int64_t connect_timeout_ms;
        int64_t statement_timeout_ms;
    } db;
    struct {
        char *host;
        int64_t port;
        char *password; /* NULL: none */
        int64_t timeout_ms;
        int64_t retry_ms;
        int64_t open_max;
        int64_t ttl_s;
    } redis;
    struct {
        char *secret;
        char *audience;
        int64_t life_s;
    } token;
    struct {
        char *secret;
        int64_t life_s;
    } refresh;
    struct {
        int64_t parallel;
        int64_t queue;
        int64_t ops;
        int64_t memory_kib;
    } hash;
    struct {
        int64_t rows_max;
        int64_t waiting_max; /* rows that wait per lane */
        int64_t outbox_max;  /* rows of a lane that are not marked yet */
    } batch;
    struct {
        char *listen; /* tcp://host:port for events; questions at port + 1 */
        char *key, *other_key; /* NULL: none */
        int64_t heartbeat_ms;
        int64_t keep_ms;
        int64_t keep_bytes;
        int64_t queue_max; /* messages, per gateway */
        int64_t open_max;  /* questions */
    } bus;
    char *gateways; /* list, as clients shall dial them */
    struct {
        int64_t life_ms;
    } presence;
    struct {
        int64_t grace_ms;
    } status;
    struct {
        char *language; /* PostgreSQL's text search configuration */
        int64_t connections;
        int64_t open_max;
        int64_t timeout_ms;
        int64_t rest_max;
        int64_t scan_max;
        int64_t index_max;
    } search;
    struct {
        int64_t members_per_room;
        int64_t members_per_group;
        int64_t topics_per_group;
        int64_t revisions_per_message;
        int64_t reaction_kinds;
        int64_t pins_per_room;
        int64_t mentions_per_message;
        struct limit_rate rates[LIMIT_COUNT];
        int64_t places; /* buckets that are kept in memory */
        char *exempt;   /* list of addresses and networks; "sockets" */
        int64_t chat_pins;
        int64_t relations; /* contacts of a person; and people blocked */
        int64_t profile_fields;
        int64_t profile_field_chars;
    } limits;
    struct {
        int64_t max;
    } bans;
    struct {
        int level;
        int format;
    } log;
};

/* Reads command line, environment and file; ends the process on a bad value (base/options.h). */
void settings_load(struct settings *settings, int argc, char **argv);

/*
 * Walks a comma-separated list: cuts the next item off `*rest`, spaces around it removed. False at
 * the end. for (struct text rest = text(list), item; settings_next(&rest, &item);)
 */
bool settings_next(struct text *rest, struct text *item);
bool settings_list_has(const char *list, struct text item);
