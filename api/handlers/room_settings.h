/*
 * room_settings: a room is changed, or deleted. Handlers of PATCH and DELETE /rooms/{room}.
 */
#pragma once

#include "api/request/call.h"

enum err room_patch(struct call *call);
enum err room_delete(struct call *call);
