/*
 * event: one row of a room's log, between the database, the bus and JSON (Event and Message of the API).
 *
 * Texts are borrowed from the rows (or the draft) they were read from.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/store/db.h"
#include "api/model/user.h"
#include "base/json.h"

enum event_kind {
    EVENT_ROOM, EVENT_MESSAGE, EVENT_EDIT, EVENT_DELETE, EVENT_REACTION, EVENT_PIN, EVENT_UNPIN,
    EVENT_JOIN, EVENT_LEAVE, EVENT_KICK, EVENT_BAN, EVENT_UNBAN, EVENT_ROLE,
};

/* `e` = events or a CTE of its rows, joined with EVENT_JOINS. */
#define EVENT_COLUMNS                                                                              \
    "e.room_id, e.seq, e.kind::text, e.sender_id, coalesce(eu.name, ''), e.target_seq, e.message_no, e.body, " \
    "e.created_at, e.edited_at, e.deleted_at, e.version, " USER_COLUMNS("es")
#define EVENT_COLUMN_COUNT (12 + USER_COLUMN_COUNT)
#define EVENT_JOINS                                                                                \
    " LEFT JOIN public.users eu ON eu.id = e.sender_id LEFT JOIN public.users es ON es.id = e.subject_id "

struct event {
    int64_t room_id, seq;
    enum event_kind kind;
    int64_t sender_id;
    struct text sender_name;
    int64_t target_seq; /* 0: none */
    int64_t message_no;
    struct text body;   /* JSON object; its members are those of the subject */
    int64_t created_us, edited_us, deleted_us; /* 0: never */
    int64_t version;
    struct user subject; /* member events: whom it is about */
};

const char *event_kind_name(enum event_kind kind);
bool event_adds(enum event_kind kind);    /* its subject is a member from here on */
bool event_removes(enum event_kind kind); /* … no longer */

/* The room was deleted: nobody is a member from here on. */
bool event_closes(const struct event *event);

/* Of a ban: its `until`, if it has one, as a member of the open object. */
void event_write_until(struct json_out *out, const struct event *event);

void event_read(struct event *event, const struct db_rows *rows, int row, int column);

/* The Event object, as /events and the bus show it. */
void event_write(struct json_out *out, const struct event *event);
/* The Message object of a message event. */
void event_write_message(struct json_out *out, const struct event *event);
/* The same from `{"room_id"...` without its sender, for event_splice_sender(). */
void event_write_message_bare(struct json_out *out, const struct event *event);
/* Puts the sender into what event_write_message_bare() wrote. */
void event_splice_sender(struct json_out *out, struct text bare, int64_t sender_id, struct text sender_name);
