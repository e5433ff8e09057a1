/*
 * settings: the options of parley-gateway, read once at the start and never changed. Numbers are
 * within the ranges of the tables in gateway/config/. What Centrifugo has too bears its name.
 *
 * Texts are never NULL unless it says so. What has another default on the bus than alone, and what
 * falls back to something else, is resolved.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/options.h" /* struct option_list */
#include "gateway/channels/namespace.h"

enum broker_choice { BROKER_AUTO /* bus when bus.apis is set, else memory */, BROKER_BUS, BROKER_MEMORY };

/* One key set for tokens: of connections, or of subscriptions. */
struct token_settings {
    char *hmac_secret_key, *hmac_previous_secret_key; /* "" or NULL: none */
    int64_t hmac_previous_secret_key_valid_until;     /* Unix s; 0: no end */
    char *rsa_public_key, *ecdsa_public_key;          /* PEM */
    char *jwks_public_endpoint;
    char *audience, *audience_regex, *issuer, *issuer_regex;
    char *user_id_claim;
};

/* A back end that is asked (Centrifugo's proxy). */
struct proxy_header {
    char *name, *value;
};
struct status_transform { /* an HTTP status that means something */
    int status_code;
    int error_code, disconnect_code; /* 0: not this one */
    bool error_temporary;
    char *message; /* of the error, or the reason */
};
struct proxy_settings {
    char *name;     /* "default", "connect" ... */
    char *endpoint; /* "": none */
    int64_t timeout_ms;
    struct option_list http_headers, emulated_headers;
    struct proxy_header *static_headers;
    size_t static_header_count;
    struct status_transform *transforms;
    size_t transform_count;
    bool binary_encoding, include_connection_meta;
};
struct rpc_namespace {
    char *name; /* "": methods without one */
    bool proxy_enabled;
    char *proxy_name;
};

/* A bucket of a rate limit. */
struct rate_bucket {
    int64_t interval_ms, rate; /* rate 0: none */
};
#define RATE_COMMANDS 16 /* by enum command_kind; [0]: all commands together */
struct rate_settings {
    bool enabled;
    struct rate_bucket commands[RATE_COMMANDS];
};

struct webhook_settings {
    char *url, *secret;
    unsigned events; /* bits by enum webhook_event: connect, disconnect, subscribe, unsubscribe,
                        occupied, vacated */
    int64_t batch_max, delay_ms, queue_max, timeout_ms, retry_max_ms;
};

struct settings {
    struct {
        char *host; /* http.host = http_server.address */
        int64_t port;
        char *internal_host; /* /metrics, /health, /ready, admin, API; "": same as `host` */
        int64_t internal_port; /* 0: all on one listener */
        int64_t connection_limit; /* per thread, also those that are no clients */
        int64_t header_timeout_ms;
    } http;
    struct {
        int64_t threads;
        char *node; /* a name for people; empty: none */
        int64_t drain_ms;
        int64_t inbox_limit;
        int broker; /* enum broker_choice, BROKER_AUTO resolved: never seen by others */
    } gateway;
    struct {
        char *secret;   /* the product's token key: what client.token.hmac_secret_key falls back to */
        char *audience; /* the same for its audience */
    } token;
    struct {
        char *apis; /* list of base addresses */
        char *key, *other_key;  /* NULL: none */
        int64_t deadline_ms, try_ms, open_max, silence_ms;
        int64_t inbox_max, inbox_max_bytes;
        int64_t connect_max, connect_open_max;
    } bus;
    struct {
        struct option_list allowed_origins; /* empty on the bus: pages of the same host, any port; alone: none */
        struct token_settings token, subscription_token;
        bool subscription_token_enabled;
        bool insecure, insecure_skip_token_signature_verify;
        bool allow_anonymous_connect_without_token, disallow_anonymous_connection_tokens;
        char *user_id_http_header;
        bool subscribe_to_user_personal_channel_enabled, user_personal_single_connection;
        char *user_personal_channel_namespace;
        bool connect_include_server_time;
        int64_t ping_interval_ms, pong_timeout_ms; /* 0: none */
        int64_t stale_close_ms, expired_close_ms, expired_sub_close_ms, close_ms;
        int64_t queue_max_bytes, backlog_max_bytes;
        int64_t channel_limit, user_connection_limit, connection_limit, connection_rate_limit; /* 0: none, but the first */
        int64_t presence_update_interval_ms, channel_position_check_delay_ms;
        int64_t recovery_max_publications, recovery_max_bytes;
        int64_t history_max_publications;
        struct rate_settings client_rate, user_rate;
        struct proxy_settings connect_proxy, refresh_proxy;
        bool connect_proxy_enabled, refresh_proxy_enabled;
    } client;
    struct {
        int64_t max_length;
        char *namespace_boundary, *private_prefix, *user_boundary, *user_separator; /* one byte each */
        int64_t history_meta_ttl_ms;
        int publication_data_format; /* of namespaces that say nothing */
        struct namespace without_namespace;
        struct namespace *namespaces; /* sorted by name */
        size_t namespace_count;
        struct proxy_settings subscribe_proxy, publish_proxy, sub_refresh_proxy; /* named "default" */
        int64_t patterns_max; /* wildcard channels that are subscribed to at once, process-wide */
    } channel;
    struct {
        struct rpc_namespace without_namespace, *namespaces;
        size_t namespace_count;
        struct proxy_settings proxy; /* "default" */
    } rpc;
    struct proxy_settings *proxies; /* named ones */
    size_t proxy_count;
    int64_t proxy_open_max; /* calls at once */
    struct {
        int64_t message_size_limit, write_timeout_ms;
        bool compression;
        int64_t compression_min_size;
        bool disabled;
        char *path; /* handler_prefix, "/connection/websocket" */
    } websocket;
    struct { /* off unless enabled */
        bool enabled;
        int64_t max_request_body_size;
        char *path;
    } http_stream, sse, emulation; /* emulation: on with one of the two */
    struct {
        bool enabled;
        char *path;
    } uni_websocket, uni_sse, uni_http_stream;
    bool connection_init_enabled; /* /connection/init */
    struct {
        bool disabled, insecure, external;
        char *key; /* NULL: none, every call is 401 */
        int transport_errors; /* 0 or 1 */
        char *path; /* "/api" */
    } http_api;
    struct {
        bool enabled, insecure;
        char *password, *secret, *path;
    } admin;
    struct {
        bool health, metrics;
    } endpoint; /* health.enabled, prometheus.enabled: on unless turned off */
    struct webhook_settings *webhooks;
    size_t webhook_count;
    struct {
        int64_t max_channels, max_bytes, idempotency_ttl_ms; /* of streams kept in memory */
    } memory;
    struct {
        int64_t window_ms;
    } chats;
    struct {
        int64_t refresh_ms, list_max, channel_list_max;
    } presence;
    struct {
        int64_t remember_s, remember_max;
    } session;
    struct {
        int64_t max_bytes;
    } ring;
    struct {
        int64_t straggler_ms, retry_ms, sweep_rate;
        int64_t hold_max, hold_max_bytes, fetch_max, hole_max, doubt_max;
    } heal;
    struct {
        int level, format;
    } log;
};

/* As options_load(): ends the program itself for --help, a bad value and so on. */
void settings_load(struct settings *settings, int argc, char **argv);

/*
 * From the bytes of a configuration file alone, as options_read(): `path` stands in errors, nothing
 * is printed. False: `notes->error`. Always settings_fini() afterwards.
 */
MUST_CHECK bool settings_read(struct settings *settings, struct text file, const char *path,
                              struct options_notes *notes);
void settings_fini(struct settings *settings);

/* The defaults on the bus, with `token.secret` "no secret in tests": for tests. */
void settings_default(struct settings *settings);
