/*
 * group_rooms: rooms in groups. Handlers of /groups/{group}/rooms.
 *
 * Being in a group is no membership in its rooms, it is the right to enter those that are open to it: so joining a group writes one row,
 * however many rooms it has.
 */
#pragma once

#include "api/request/call.h"

enum err group_rooms_get(struct call *call);
enum err group_rooms_put(struct call *call);
enum err group_rooms_delete(struct call *call);
