#include "gateway/mail/order.h"

#include <stdlib.h>

struct order *order_create(enum order_kind kind)
{
    struct order *order = xcalloc(1, sizeof(*order));

    order->kind = kind;
    order->override = SUB_OVERRIDE_NONE;
    return order;
}

void order_destroy(struct order *order)
{
    if (order == NULL)
        return;
    arena_fini(&order->arena);
    free(order);
}

struct order *order_copy(const struct order *from)
{
    struct order *order = xmalloc(sizeof(*order));
    struct arena *arena = &order->arena;

    *order = *from;
    *arena = (struct arena){0};
    order->user = arena_text(arena, from->user);
    order->client = arena_text(arena, from->client);
    order->session = arena_text(arena, from->session);
    order->reason = arena_text(arena, from->reason);
    order->channel = arena_text(arena, from->channel);
    order->info = arena_text(arena, from->info);
    order->data = arena_text(arena, from->data);
    order->epoch = arena_text(arena, from->epoch);
    order->jti = arena_text(arena, from->jti);
    order->whitelist = arena_alloc(arena, from->whitelist_count * sizeof(struct text));
    for (size_t i = 0; i < from->whitelist_count; i++)
        order->whitelist[i] = arena_text(arena, from->whitelist[i]);
    return order;
}
