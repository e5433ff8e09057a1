/*
 * orders: what the server API has somebody's connections of this loop do. Loop's thread.
 */
#pragma once

#include "gateway/loop/loop.h"
#include "gateway/mail/order.h"

void orders_take(struct loop *loop, const struct order *order);
