/*
 * list: an array of objects in the configuration: namespaces, proxies, webhooks. Inside
 * gateway/config/ only.
 */
#pragma once

#include "gateway/config/rows.h"

#define LIST_ITEMS_MAX 1000

struct list {
    size_t item_bytes;
    void (*rows_of)(struct rows *rows, void *item);
    const struct option_foreign *foreign; /* may be NULL */
    bool named; /* items have a `name`, which is theirs in the environment as well */
};

/*
 * Reads every item into an array of zeroed ones, `*items` with `*count`, which is there also when
 * this fails. An item's options: PARLEY_PROXIES_CHAT_TIMEOUT for `timeout` of "chat" in `proxies`.
 */
MUST_CHECK bool list_read(const struct list *list, struct json_value json,
                          struct option_place place, struct options_notes *notes, void **items,
                          size_t *count);

/* ^[-a-zA-Z0-9_.]{2,}$, as Centrifugo wants names to be. */
bool list_is_name(const char *name);
