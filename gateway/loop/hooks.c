#include "gateway/loop/hooks.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- opening ---- */

/* What the webhooks point into: once per process. */
static struct webhook_config *configs;

static void make_configs(const struct settings *settings)
{
    configs = xcalloc(settings->webhook_count, sizeof(*configs));
    for (size_t i = 0; i < settings->webhook_count; i++) {
        const struct webhook_settings *from = &settings->webhooks[i];
        configs[i] = (struct webhook_config){
            .name = from->url,
            .url = from->url,
            .secret = from->secret,
            .kinds = from->events,
            .delay_ms = from->delay_ms,
            .batch_max = (size_t)from->batch_max,
            .queue_max = (size_t)from->queue_max,
            .timeout_ms = from->timeout_ms,
            .retry_max_ms = from->retry_max_ms,
        };
    }
}

bool hooks_open(struct webhooks **out, uv_loop_t *loop, const struct settings *settings,
                struct fetcher *fetcher)
{
    char why[WEBHOOKS_WHY_MAX];

    *out = NULL;
    if (settings->webhook_count == 0)
        return true;
    make_configs(settings);
    *out = webhooks_open(loop, fetcher, configs, settings->webhook_count,
                         settings->gateway.node, why);
    if (*out == NULL)
        log_error("gateway: %s", why);
    return *out != NULL;
}

void hooks_free(void)
{
    free(configs);
    configs = NULL;
}

/* ---- telling ---- */

static void tell(const struct client *client, struct webhook_event event)
{
    struct webhooks *webhooks = client->loop->shared->webhooks;

    if (!webhooks_want(webhooks, event.kind))
        return;
    event.user = client_user(client);
    event.client = text(client->id);
    webhooks_tell(webhooks, &event);
}

void hooks_connected(const struct client *client)
{
    tell(client, (struct webhook_event){.kind = WEBHOOK_CONNECT,
                                        .transport = text(client_format(client)->transport)});
}

void hooks_disconnected(const struct client *client, int code, const char *reason)
{
    tell(client, (struct webhook_event){
                     .kind = WEBHOOK_DISCONNECT, .code = code, .reason = text(reason)});
}

void hooks_subscribed(const struct client *client, struct text channel)
{
    tell(client, (struct webhook_event){.kind = WEBHOOK_SUBSCRIBE, .channel = channel});
}

void hooks_unsubscribed(const struct client *client, struct text channel, int code,
                        struct text reason)
{
    tell(client, (struct webhook_event){.kind = WEBHOOK_UNSUBSCRIBE,
                                        .channel = channel,
                                        .code = code,
                                        .reason = reason});
}
