#include "gateway/broker/bus/order_wire.h"

static const Bus__Order__Kind kinds[] = {
    [ORDER_DISCONNECT] = BUS__ORDER__KIND__DISCONNECT,
    [ORDER_SUBSCRIBE] = BUS__ORDER__KIND__SUBSCRIBE,
    [ORDER_UNSUBSCRIBE] = BUS__ORDER__KIND__UNSUBSCRIBE,
    [ORDER_REFRESH] = BUS__ORDER__KIND__REFRESH,
    [ORDER_BLOCK_USER] = BUS__ORDER__KIND__BLOCK_USER,
    [ORDER_UNBLOCK_USER] = BUS__ORDER__KIND__UNBLOCK_USER,
    [ORDER_REVOKE_TOKEN] = BUS__ORDER__KIND__REVOKE_TOKEN,
    [ORDER_REVOKE_USER] = BUS__ORDER__KIND__REVOKE_USER,
};

/* -1, 0, 1 as 0, 1, 2. */
static Bus__Override *override_to_wire(const struct sub_override *from, struct arena *arena)
{
    Bus__Override *to = arena_alloc(arena, sizeof(*to));

    bus__override__init(to);
    to->presence = (uint32_t)(from->presence + 1);
    to->join_leave = (uint32_t)(from->join_leave + 1);
    to->force_push_join_leave = (uint32_t)(from->force_push_join_leave + 1);
    to->force_recovery = (uint32_t)(from->force_recovery + 1);
    to->force_positioning = (uint32_t)(from->force_positioning + 1);
    return to;
}

static int8_t choice(uint32_t from)
{
    return from <= 2 ? (int8_t)((int)from - 1) : -1;
}

static struct sub_override override_from_wire(const Bus__Override *from)
{
    if (from == NULL)
        return SUB_OVERRIDE_NONE;
    return (struct sub_override){
        .presence = choice(from->presence),
        .join_leave = choice(from->join_leave),
        .force_push_join_leave = choice(from->force_push_join_leave),
        .force_recovery = choice(from->force_recovery),
        .force_positioning = choice(from->force_positioning),
    };
}

void order_to_wire(Bus__Order *out, const struct order *order, struct arena *arena)
{
    bus__order__init(out);
    out->kind = kinds[order->kind];
    out->user = wire_bytes(order->user);
    out->client = wire_bytes(order->client);
    out->session = wire_bytes(order->session);
    out->any_user = order->any_user;
    out->whitelist = arena_alloc(arena, order->whitelist_count * sizeof(*out->whitelist));
    for (size_t i = 0; i < order->whitelist_count; i++)
        out->whitelist[i] = wire_bytes(order->whitelist[i]);
    out->n_whitelist = order->whitelist_count;
    out->code = (uint32_t)order->code;
    out->reason = wire_bytes(order->reason);
    out->channel = wire_bytes(order->channel);
    out->info = wire_bytes(order->info);
    out->data = wire_bytes(order->data);
    out->override = override_to_wire(&order->override, arena);
    out->has_recover_since = order->has_recover_since;
    out->offset = order->offset;
    out->epoch = wire_bytes(order->epoch);
    out->expires = order->expires;
    out->expired = order->expired;
    out->has_expires = order->has_expires;
    out->expires_s = order->expires_s;
    out->jti = wire_bytes(order->jti);
    out->issued_before_s = order->issued_before_s;
    out->number = order->number;
}

static bool find_kind(Bus__Order__Kind wire, enum order_kind *kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        if (kinds[i] == wire) {
            *kind = (enum order_kind)i;
            return true;
        }
    return false;
}

struct order *order_from_wire(const Bus__Order *wire)
{
    enum order_kind kind;
    struct order *order;
    struct arena *arena;

    if (!find_kind(wire->kind, &kind))
        return NULL;
    order = order_create(kind);
    arena = &order->arena;
    order->user = arena_text(arena, wire_text(wire->user));
    order->client = arena_text(arena, wire_text(wire->client));
    order->session = arena_text(arena, wire_text(wire->session));
    order->any_user = wire->any_user;
    order->whitelist = arena_alloc(arena, wire->n_whitelist * sizeof(*order->whitelist));
    for (size_t i = 0; i < wire->n_whitelist; i++)
        order->whitelist[i] = arena_text(arena, wire_text(wire->whitelist[i]));
    order->whitelist_count = wire->n_whitelist;
    order->code = (int)wire->code;
    order->reason = arena_text(arena, wire_text(wire->reason));
    order->channel = arena_text(arena, wire_text(wire->channel));
    order->info = arena_text(arena, wire_text(wire->info));
    order->data = arena_text(arena, wire_text(wire->data));
    order->override = override_from_wire(wire->override);
    order->has_recover_since = wire->has_recover_since;
    order->offset = wire->offset;
    order->epoch = arena_text(arena, wire_text(wire->epoch));
    order->expires = wire->expires;
    order->expired = wire->expired;
    order->has_expires = wire->has_expires;
    order->expires_s = wire->expires_s;
    order->jti = arena_text(arena, wire_text(wire->jti));
    order->issued_before_s = wire->issued_before_s;
    order->number = wire->number;
    return order;
}
