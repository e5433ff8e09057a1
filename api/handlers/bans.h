/*
 * bans: who may not be in a room. Handlers of /rooms/{room}/bans; moderators and above.
 */
#pragma once

#include "api/request/call.h"

enum err bans_get(struct call *call);
enum err bans_put(struct call *call);
enum err bans_delete(struct call *call);
