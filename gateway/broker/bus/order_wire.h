/*
 * order_wire: orders (gateway/mail/order.h) as they cross the bus. Broker's thread.
 */
#pragma once

#include "base/arena.h"
#include "bus/wire.h"
#include "gateway/mail/order.h"

/* Borrows from `order`, and what it needs besides from `arena`. `id` is left to the caller. */
void order_to_wire(Bus__Order *out, const struct order *order, struct arena *arena);
/* NULL: of a newer gateway. Borrows nothing. */
struct order *order_from_wire(const Bus__Order *wire);
