/*
 * namespace: what channels of one namespace can do and who may do it: the options of Centrifugo's
 * `channel.without_namespace` and `channel.namespaces[]`, under their names. Read once at the start,
 * never changed; any thread.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum recovery_mode { RECOVERY_STREAM, RECOVERY_CACHE };
enum data_format { DATA_ANY /* not empty */, DATA_JSON, DATA_JSON_OBJECT, DATA_BINARY /* may be empty */ };

struct namespace {
    char *name; /* "": channels without a namespace */
    bool presence, join_leave, force_push_join_leave;
    int64_t history_size; /* publications; 0: no stream */
    int64_t history_ttl_ms, history_meta_ttl_ms; /* meta: never 0, the default is filled in */
    bool force_positioning, allow_positioning, force_recovery, allow_recovery;
    int force_recovery_mode; /* enum recovery_mode */
    bool auto_cache_recover;
    unsigned allow_fossil_delta; /* `allowed_delta_types`: 0 or 1 */
    bool delta_publish, allow_tags_filter;
    bool allow_subscribe_for_client, allow_subscribe_for_anonymous;
    bool allow_publish_for_client, allow_publish_for_subscriber, allow_publish_for_anonymous;
    bool allow_presence_for_client, allow_presence_for_subscriber, allow_presence_for_anonymous;
    bool allow_history_for_client, allow_history_for_subscriber, allow_history_for_anonymous;
    bool allow_user_limited_channels;
    bool allow_wildcard_subscribe; /* ours: names with '*' may be subscribed, matching all such channels */
    char *channel_regex; /* "" : ASCII names only */
    regex_t *regex;      /* compiled; NULL: none */
    int publication_data_format; /* enum data_format */
    bool subscribe_proxy_enabled, publish_proxy_enabled, sub_refresh_proxy_enabled;
    char *subscribe_proxy_name, *publish_proxy_name, *sub_refresh_proxy_name; /* "default" */
};
