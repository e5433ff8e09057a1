/*
 * members: who is in a room, and how far they have read. Handlers.
 */
#pragma once

#include "api/request/call.h"
#include "api/model/status.h"
#include "api/store/db.h"

enum err members_join(struct call *call);
enum err members_leave(struct call *call);
enum err members_get(struct call *call);
enum err members_put(struct call *call);
enum err members_delete(struct call *call);
enum err cursor_put(struct call *call);

/* Members of a room, owner first: $1 room, $2 after user id, $3 limit; MEMBERSHIP_COLUMNS, USER_COLUMNS. */
extern const struct db_statement select_members, select_member;
/* `status` NULL: it is not shown. */
void member_write(struct json_out *out, const struct db_rows *rows, int row, const struct status *status);
/* The statuses of those members, as the asker may see them; as long as the call. From a task. */
MUST_CHECK enum err members_read_statuses(struct call *call, const struct db_rows *rows, int count, struct status **statuses);
