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

struct mine;

enum event_kind {
    EVENT_ROOM, EVENT_MESSAGE, EVENT_EDIT, EVENT_DELETE, EVENT_REACTION, EVENT_PIN, EVENT_UNPIN,
    EVENT_JOIN, EVENT_LEAVE, EVENT_KICK, EVENT_BAN, EVENT_UNBAN, EVENT_ROLE,
};

/* `e` = events or a CTE of its rows, joined with EVENT_JOINS. */
#define EVENT_COLUMNS                                                                              \
    "e.room_id, e.seq, e.kind::text, e.sender_id, coalesce(eu.name, ''), e.target_seq, e.message_no, e.body, " \
    "e.created_at, e.edited_at, e.deleted_at, e.version, " USER_COLUMNS("es")                      \
    ", e.reactions, p.seq, p.sender_id, pu.name, p.excerpt, "                                      \
    "t.sender_id, coalesce(tu.name, ''), t.message_no, t.body, t.created_at, t.edited_at, t.deleted_at, t.version, t.reactions"
/* The same of messages alone, joined with MESSAGE_JOINS: pages of history are of these, and most of what an event may be about costs them. */
#define MESSAGE_COLUMNS                                                                            \
    "e.room_id, e.seq, e.kind::text, e.sender_id, coalesce(eu.name, ''), e.target_seq, e.message_no, e.body, " \
    "e.created_at, e.edited_at, e.deleted_at, e.version, NULL, NULL, NULL, NULL, NULL, NULL, "      \
    "e.reactions, p.seq, p.sender_id, pu.name, p.excerpt, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
_Static_assert(USER_COLUMN_COUNT == 6, "so many are NULL in MESSAGE_COLUMNS");
#define EVENT_COLUMN_COUNT (12 + USER_COLUMN_COUNT + 14)
#define MESSAGE_JOINS                                                                              \
    " LEFT JOIN public.users eu ON eu.id = e.sender_id "                                           \
    "LEFT JOIN LATERAL (" REPLIED_COLUMNS " WHERE x.room_id = e.room_id AND x.seq = e.target_seq LIMIT 1) p ON true " \
    "LEFT JOIN public.users pu ON pu.id = p.sender_id "
/* Laterals with a limit: the planner must not think of joining the whole log with itself. */
#define EVENT_JOINS EVENT_JOINS_WITH("{lane}.events")
/* `targets`: where the messages are as they are now: the log, or what the statement itself has just changed. */
#define EVENT_JOINS_WITH(targets)                                                                  \
    " LEFT JOIN public.users eu ON eu.id = e.sender_id LEFT JOIN public.users es ON es.id = e.subject_id " \
    "LEFT JOIN LATERAL (SELECT * FROM " targets " x WHERE x.room_id = e.room_id AND x.seq = e.target_seq " \
    "                   AND e.kind IN ('edit', 'delete', 'pin') LIMIT 1) t ON true "               \
    "LEFT JOIN public.users tu ON tu.id = t.sender_id "                                            \
    "LEFT JOIN LATERAL (" REPLIED_COLUMNS " WHERE x.room_id = e.room_id "                          \
    "                   AND x.seq = CASE e.kind WHEN 'message' THEN e.target_seq ELSE t.target_seq END LIMIT 1) p ON true " \
    "LEFT JOIN public.users pu ON pu.id = p.sender_id "
/* What a reply shows of the message `x` that it answers: of a deleted one nothing. */
#define REPLIED_COLUMNS                                                                            \
    "SELECT x.seq, x.sender_id, CASE WHEN x.deleted_at IS NULL THEN left(x.body->>'text', 120) END AS excerpt FROM {lane}.events x"

/* What a message answers. */
struct replied {
    int64_t seq; /* 0: nothing */
    int64_t sender_id;
    struct text sender_name;
    struct text excerpt; /* at most 120 code points; `at` NULL: it was deleted */
};

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
    struct text reactions; /* of a message: as stored; empty: none */
    struct replied replied; /* by the message, or the one that it is about */
    struct {
        int64_t sender_id;
        struct text sender_name;
        int64_t message_no;
        struct text body;
        int64_t created_us, edited_us, deleted_us, version;
        struct text reactions;
    } target; /* edit, delete, pin: the message as it is now, whatever happened to it since */
};

const char *event_kind_name(enum event_kind kind);
bool event_adds(enum event_kind kind);    /* its subject is a member from here on */
bool event_removes(enum event_kind kind); /* … no longer */

/* A message is not what it was: what was told of it before, also in answers to it, must not be told again. */
bool event_revises(enum event_kind kind);

/* The room was deleted: nobody is a member from here on. */
bool event_closes(const struct event *event);

/* Whom a message mentions by name, as its body says: at most `most` ids. `*room`: everybody. */
size_t event_mentions(const struct event *event, int64_t *ids, size_t most, bool *room);

/* Of a ban: its `until`, if it has one, as a member of the open object. */
void event_write_until(struct json_out *out, const struct event *event);

/* The message that an event shows: itself, or what it is about; as an event of kind message, so that it can be written as such. */
struct event event_message(const struct event *event);
/* Bytes of what was written by people: what makes an event long. */
size_t event_text_bytes(const struct event *event);

void event_read(struct event *event, const struct db_rows *rows, int row, int column);

/* The Event object, as /events and the bus show it. */
void event_write(struct json_out *out, const struct event *event);
/* The Message object of a message event, as everybody is told it. */
void event_write_message(struct json_out *out, const struct event *event);
/* The same for one reader, whose own reactions are `mine`. */
void event_write_message_to(struct json_out *out, const struct event *event, const struct mine *mine);
/* The same without names, of its sender and of whom it answers, for event_splice_names(): names change. */
void event_write_message_bare(struct json_out *out, const struct event *event);
/* Whom a bare message answers; 0: nobody. */
int64_t event_bare_replied(struct text bare);
/* Puts the names into what event_write_message_bare() wrote; `replied_name` counts when it answers somebody. */
void event_splice_names(struct json_out *out, struct text bare, int64_t sender_id, struct text sender_name, struct text replied_name);
