/*
 * group_members: who is in a group, and who may not be. Handlers under /groups/{group}, of the same meaning as those of rooms. All changes
 * are one function in the database, which judges under the group's lock (schema/0008_groups.sql).
 */
#pragma once

#include "api/request/call.h"

enum err group_join(struct call *call);
enum err group_leave(struct call *call);
enum err group_members_get(struct call *call);
enum err group_members_put(struct call *call);
enum err group_members_delete(struct call *call);
enum err group_bans_get(struct call *call);
enum err group_bans_put(struct call *call);
enum err group_bans_delete(struct call *call);
