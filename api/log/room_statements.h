/*
 * room_statements: changes of a room itself, as rows of its log: its settings, and its end. Parts of a batch, like those of
 * lane_statements.h, and answering in the same columns as changes of members, of which there are none here.
 */
#pragma once

#include "api/log/room_log.h"

/* $1 room, $2 actor, $3 nonce, $4 incarnation, $5 number, $6 least roles (rights.h), $7 edition that it is for (0: any); edit_room: $8 name,
 * $9 about, $10 slug (each NULL: stays; slug '': none) */
extern const struct db_statement edit_room;
/* $8 group, $9 topic, $10 position (NULL: none), $11 open to the group, $12 the group that it must be in, or nothing is done (NULL: any) */
extern const struct db_statement place_room;
/* The room is there for nobody from here on; what was in it goes afterwards (clear.h). */
extern const struct db_statement delete_room;

/* LOG_EDIT_ROOM, LOG_DELETE_ROOM, LOG_PLACE_ROOM. */
bool room_row_is(enum log_row_kind kind);
const struct db_statement *room_row_statement(enum log_row_kind kind);
void room_row_add(struct db_params *params, const struct log_row *row, int64_t incarnation, int64_t number);
