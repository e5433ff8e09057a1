/*
 * room: a room's own facts, and its head: where its log stands and what was said last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/store/db.h"
#include "api/model/event.h"
#include "base/json.h"

enum room_kind { ROOM_DIRECT, ROOM_PRIVATE, ROOM_PUBLIC };

#define ROOM_COLUMNS                                                                               \
    "r.id, r.kind::text, r.name, r.slug, r.about, r.created_by, r.created_at, r.member_count, r.peer_a, r.peer_b, r.version, " \
    "r.edition, r.deleted_at, r.group_id, r.topic_id, r.position, r.open_to_group"
#define ROOM_COLUMN_COUNT 17

struct room {
    int64_t id;
    enum room_kind kind;
    struct text name, slug, about; /* slug: empty = none */
    int64_t created_by, created_us, member_count;
    int64_t peer_a, peer_b; /* direct rooms, else 0 */
    int64_t version;    /* of the row: the newer of two copies has the higher one */
    int64_t edition;    /* of what a PATCH changes: the `version` of the Room object */
    int64_t deleted_us; /* 0: it is there */
    int64_t group_id, topic_id, position; /* 0: none */
    bool is_open_to_group;
};

struct head {
    int64_t room_id, seq, message_no, room_mention_no;
    int64_t activity_us;      /* of the last message, else of the creation */
    bool has_message;
    int64_t sender_id;        /* of the last message */
    struct text message_bare; /* event_write_message_bare() of it */
    struct text replied_name; /* of whom that answers; of a head that was just read: as long as the rows stand */
};

/* When something was last said in a room, or it was made: its place in chat lists. */
struct activity {
    int64_t message_no; /* of the last message; tells the newer of two */
    int64_t at_us;
};
/* Of room `r`, behind ACTIVITY_JOIN. */
enum { ACTIVITY_MESSAGE_NO, ACTIVITY_AT };
#define ACTIVITY_COLUMNS "coalesce(said.message_no, 0), coalesce(said.created_at, r.created_at)"
#define ACTIVITY_JOIN                                                                              \
    "LEFT JOIN LATERAL (SELECT message_no, created_at FROM {lane}.events WHERE room_id = r.id "    \
    "AND kind = 'message' ORDER BY seq DESC LIMIT 1) said ON true "

const char *room_kind_name(enum room_kind kind);
bool room_kind_from(struct text name, enum room_kind *kind);
int room_lane(int64_t room_id); /* the lane number that the id carries */

void room_read(struct room *room, const struct db_rows *rows, int row, int column);

/*
 * The Room object. `head` gives last_seq and message_no. `peer` (may be NULL): the other person of a direct room.
 */
void room_write(struct json_out *out, const struct room *room, int64_t last_seq, int64_t message_no, const struct user *peer);

/* What a direct room is called in `room_names`, whoever of the two asks. */
void room_name_direct(struct buf *out, int64_t a, int64_t b);

/* Of a direct room's two people the one who is not `user_id`; 0 for other rooms. */
int64_t room_peer_of(const struct room *room, int64_t user_id);

/*
 * Facts and heads of rooms of one lane ($1 bigint[]): room, last event's seq and message_no, last message (all NULL without).
 * Columns: ROOM_COLUMNS, seq, message_no, room_mention_no, EVENT_COLUMNS.
 */
enum { HEAD_SEQ = ROOM_COLUMN_COUNT, HEAD_MESSAGE_NO, HEAD_ROOM_MENTION_NO, HEAD_EVENT, HEAD_SENDER_NAME = HEAD_EVENT + 4 };
extern const struct db_statement select_heads;
/* Reads one row of it. The bare message is appended to `bytes`, which `head` then borrows: reserve before, or read one at a time. */
void head_read(struct room *room, struct head *head, const struct db_rows *rows, int row, struct buf *bytes);
