/*
 * view_statements: how a person sees a room: how loud it is, archived, pinned; the batch's rows of LOG_SET_VIEW.
 */
#pragma once

#include "api/log/room_log.h"
#include "api/store/db.h"

/*
 * Parallel arrays $1 room, $2 user, $3 level (NULL: stays, and so does the next), $4 muted until (us, 0: not), $5 archived, $6 pinned (NULL: stays);
 * $7 incarnation, $8 number. Answers in the order given.
 */
extern const struct db_statement set_views;
enum { VIEW_OUTCOME, VIEW_KIND, VIEW_MEMBERSHIP };

/* $1 to $6. */
void view_add_params(struct db_params *params, struct log_row *const *rows, size_t count);
