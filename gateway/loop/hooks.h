/*
 * hooks: what happens to clients, told to the operator's webhooks. Nothing is done when nobody wants
 * to know. Loop's thread.
 */
#pragma once

#include "gateway/loop/client.h"
#include "gateway/outside/webhooks.h"

void hooks_connected(const struct client *client);
void hooks_disconnected(const struct client *client, int code, const char *reason);
void hooks_subscribed(const struct client *client, struct text channel);
void hooks_unsubscribed(const struct client *client, struct text channel, int code,
                        struct text reason);

/* All that are configured; NULL and false: something in it cannot be (logged). Once. */
MUST_CHECK bool hooks_open(struct webhooks **out, uv_loop_t *loop, const struct settings *settings,
                           struct fetcher *fetcher);
void hooks_free(void); /* after webhooks_close() and the end of the loop */
