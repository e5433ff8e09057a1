/*
 * settings: the options of parley-gateway, read once at the start and never changed. Numbers are
 * within the ranges of the table in settings.c.
 */
#pragma once

#include <stdint.h>

struct settings {
    struct {
        char *host;
        int64_t port;
        char *origins; /* list; empty: pages of the same host, any port */
        int64_t connection_limit;
        int64_t header_timeout_ms;
    } http;
    struct {
        int64_t threads;
        char *node; /* a name for people; empty: none */
        int64_t drain_ms;
        int64_t inbox_limit;
    } gateway;
    struct {
        char *secret;
        char *audience;
    } token;
    struct {
        char *apis; /* list of base addresses */
        char *key;  /* NULL: none */
        int64_t deadline_ms;
        int64_t try_ms;
        int64_t open_max;
        int64_t silence_ms;
    } bus;
    struct {
        int64_t ping_interval_s, pong_timeout_s;
        int64_t stale_close_ms, expired_close_ms, close_ms;
        int64_t queue_max_bytes, message_max_bytes, backlog_max_bytes;
        int64_t channel_limit;
        int64_t recovery_max_publications, recovery_max_bytes;
        int64_t history_max_publications;
    } client;
    struct {
        int64_t window_ms;
    } chats;
    struct {
        int64_t refresh_ms, list_max;
    } presence;
    struct {
        int64_t remember_s, remember_max;
    } session;
    struct {
        int64_t max_bytes;
    } ring;
    struct {
        int64_t straggler_ms, retry_ms;
        int64_t hold_max, fetch_max;
    } heal;
    struct {
        int level, format;
    } log;
};

/* As options_load(): ends the program itself for --help, a bad value and so on. */
void settings_load(struct settings *settings, int argc, char **argv);

/* The defaults, with `token.secret` "secret": for tests. */
void settings_default(struct settings *settings);
