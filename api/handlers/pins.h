/*
 * pins: messages that a room keeps in view. Handlers of /rooms/{room}/pins and /rooms/{room}/messages/{seq}/pin.
 */
#pragma once

#include "api/request/call.h"

enum err pins_get(struct call *call);
enum err pin_put(struct call *call);
enum err pin_delete(struct call *call);
