/*
 * readers: options that are JSON: arrays and objects with options of their own. All are `read` of a
 * row (base/options.h). Inside gateway/config/ only.
 */
#pragma once

#include "gateway/config/rows.h"

/* `value` is the struct settings. */
bool namespaces_read(void *value, struct json_value json, struct option_place place,
                     struct options_notes *notes);
bool rpc_namespaces_read(void *value, struct json_value json, struct option_place place,
                         struct options_notes *notes);
bool proxies_read(void *value, struct json_value json, struct option_place place,
                  struct options_notes *notes);
bool webhooks_read(void *value, struct json_value json, struct option_place place,
                   struct options_notes *notes);

/* `value` is a struct proxy_settings. */
bool proxy_read_static_headers(void *value, struct json_value json, struct option_place place,
                               struct options_notes *notes);
bool proxy_read_transforms(void *value, struct json_value json, struct option_place place,
                           struct options_notes *notes);

/* `value` is a struct rate_settings. */
bool rates_read(void *value, struct json_value json, struct option_place place,
                struct options_notes *notes);

/* What the readers allocated. */
void namespaces_free(struct settings *settings);
void proxies_free(struct settings *settings);
void webhooks_free(struct settings *settings);
void proxy_free_lists(struct proxy_settings *proxy);
