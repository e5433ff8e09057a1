/*
 * expiry: connections and subscriptions that end unless they are refreshed: by the client (refresh,
 * sub_refresh), by a proxy, by the server API. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"

void expiry_run_refresh(struct client *client, const struct command *command);
void expiry_run_sub_refresh(struct client *client, const struct command *command);

/* Its time is over: closed, or the refresh proxy is asked. */
void expiry_client(struct client *client);
/* The tick: subscriptions that are over. */
void expiry_subscriptions(struct client *client);

/* The connection ends at `expires_s` (Unix time; 0: never). */
void expiry_set(struct client *client, int64_t expires_s);
/* Seconds until then, as clients are told: 1 to 365 days. */
uint32_t expiry_ttl(int64_t expires_s);
/* One of its subscriptions expires: see that the tick is on. */
void expiry_watch_subscriptions(struct client *client);
