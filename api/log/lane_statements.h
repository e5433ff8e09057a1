/*
 * lane_statements: what the writer of a lane asks of PostgreSQL. A batch is one READ COMMITTED transaction of
 * pipelined statements; each has a younger snapshot than the one before, and all are younger than the locks of the first.
 *
 * Repeats and refusals are answers (`outcome`), never failures. Nothing here may fail for what a client sent.
 */
#pragma once

#include "api/model/event.h"
#include "api/model/membership.h"
#include "api/store/db.h"

/* 1. Locks the batch's rooms in one order for all processes. $1 room ids. */
extern const struct db_statement lock_rooms;

/*
 * 2. Numbers and stores messages, moves the senders' cursors, writes the outbox row. Parallel arrays $1 room, $2 sender, $3 nonce,
 * $4 digest, $5 target_seq, $6 body; $7 incarnation, $8 number; $9 whether it mentions the room; and side by side
 * $10 the place of a message (1 is the first) and $11 somebody whom it names, who it must be the last of its room in the batch for;
 * $12 least roles that mention the room (rights.h): `role_required` is about that alone.
 * Answers in the order given.
 */
extern const struct db_statement append_messages;
/* The sender's membership when the cursor moved. */
enum { APPEND_OUTCOME, APPEND_SEQ, APPEND_MESSAGE_NO, APPEND_AT, APPEND_NAME, APPEND_UNTIL, APPEND_KIND, APPEND_ROOM_MENTION_NO,
       APPEND_REPLIED, APPEND_REPLIED_NAME, APPEND_EXCERPT, APPEND_MEMBERSHIP };
/* Where those stand now who were named: $1 rooms, $2 users. Membership, the room's message_no and room_mention_no. */
extern const struct db_statement select_mentioned;

/*
 * 3. One change of who is in a room. All answer: outcome, kind of the room, EVENT_COLUMNS of what was stored and MEMBERSHIP_COLUMNS
 * of its subject (NULL when that did not change), and until when the subject is banned, one row per event.
 */
enum { CHANGE_OUTCOME, CHANGE_KIND, CHANGE_EVENT };
#define CHANGE_MEMBERSHIP (CHANGE_EVENT + EVENT_COLUMN_COUNT)
#define CHANGE_UNTIL      (CHANGE_MEMBERSHIP + MEMBERSHIP_COLUMN_COUNT)
/* $1 room, $2 actor, $3 subject, $4 nonce, $5 incarnation, $6 number, $7 least roles (rights.h); add_member: $8 most members;
 * ban_member: $8 until, $9 reason, $10 body of the event; remove_member, change_member: $8 nonce of a second event; change_member: $9 role,
 * $10 silent until (each NULL: stays; a time that is over: silent no more). In member_statements.c. */
extern const struct db_statement add_member;
extern const struct db_statement remove_member;
extern const struct db_statement change_member;
extern const struct db_statement ban_member;
extern const struct db_statement unban_member;
/* $1 id, $2 kind, $3 name, $4 slug, $5 creator, $6 members (creator first, each once), $7 nonces (one more than members),
 * $8 incarnation, $9 number, $10 body of the room event, $11 peer_a, $12 peer_b */
extern const struct db_statement create_room;

/* 4. Moves cursors. Parallel arrays $1 room, $2 user, $3 seq, $4 force; $5 incarnation, $6 number. */
extern const struct db_statement move_cursors;
enum { CURSOR_OUTCOME, CURSOR_SEQ, CURSOR_MESSAGE_NO, CURSOR_AT, CURSOR_LAST_NO, CURSOR_KIND, CURSOR_LAST_ROOM_NO,
       CURSOR_MENTIONS, CURSOR_MEMBERSHIP };

/* Forgets outbox rows that are done, and has their rooms read for search: $1 incarnation, $2 numbers. */
extern const struct db_statement mark_outbox;
