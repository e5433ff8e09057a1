/*
 * message_statements: what the writer of a lane asks when something happens to a message that was sent: edits, deletions, reactions, pins.
 *
 * They answer as changes of members do (CHANGE_… of lane_statements.h), without a membership; CHANGE_UNTIL is until when the actor is
 * silenced. The message is read and changed under the lock of its room, in the statement that writes the event.
 */
#pragma once

#include "api/log/room_log.h"
#include "api/store/db.h"

/* All: $1 room, $2 actor, $3 seq of the message, $4 nonce, $5 incarnation, $6 number; then: */
extern const struct db_statement edit_message;    /* $7 text, $8 the version that it must have (NULL: any), $9 most revisions */
extern const struct db_statement delete_message;  /* $7 RIGHT_DELETE_ANY */
extern const struct db_statement add_reaction;    /* $7 emoji, $8 most kinds of a message */
extern const struct db_statement remove_reaction; /* $7 emoji */
extern const struct db_statement pin_message;     /* $7 RIGHT_PIN, $8 most pins of a room */
extern const struct db_statement unpin_message;   /* $7 RIGHT_PIN */

/* The one for a row of these kinds; NULL: it is of another kind. */
const struct db_statement *message_statement(enum log_row_kind kind);
/* Adds $7 and so on. */
void message_add_params(struct db_params *params, const struct log_row *row);
