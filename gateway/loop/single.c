#include "gateway/loop/single.h"

/* Behind the order that it asked for: from here on the client is one of the older ones. */
static void on_claimed(struct loop *loop, struct request *request)
{
    struct client *client = request->client;

    (void)loop;
    client->claims_user = false;
    client_release(client);
    request_destroy(request);
}

static struct order *make_order(const struct client *client)
{
    struct order *order = order_create(ORDER_DISCONNECT);

    order->user = arena_text(&order->arena, client_user(client));
    order->whitelist = arena_alloc(&order->arena, sizeof(*order->whitelist));
    order->whitelist[order->whitelist_count++] = arena_text(&order->arena, text(client->id));
    order->code = DISCONNECT_CONNECTION_LIMIT.code;
    order->reason = text(DISCONNECT_CONNECTION_LIMIT.reason);
    return order;
}

void single_claim(struct client *client)
{
    const struct settings *settings = client->loop->settings;
    struct request *request;

    if (!settings->client.subscribe_to_user_personal_channel_enabled ||
        !settings->client.user_personal_single_connection || client_user(client).len == 0)
        return;
    request = client_request(client, REQUEST_ORDER, on_claimed);
    request->order = make_order(client);
    client->claims_user = true;
    client_hold(client);
    if (loop_ask(client->loop, request))
        return;
    on_claimed(client->loop, request); /* the broker is overrun: the older ones stay for once */
}

bool single_spares(const struct order *order, const struct client *client)
{
    return client->claims_user && order->code == DISCONNECT_CONNECTION_LIMIT.code;
}
