/*
 * membership: one person in one room: the row of `members`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/store/db.h"
#include "base/json.h"

enum member_role { ROLE_OWNER, ROLE_ADMIN, ROLE_MODERATOR, ROLE_MEMBER, ROLE_LEFT };

/* Columns of table alias `m`, in the order membership_read() expects. */
#define MEMBERSHIP_COLUMNS(m)                                                                      \
    m ".room_id, " m ".user_id, " m ".role::text, " m ".seq, " m ".message_no, " m ".changed_at, " \
    m ".notify::text, " m ".muted_until, " m ".archived_at, " m ".pinned_at, " m ".silent_until, " m ".joined_at, " \
    m ".mentions, " m ".room_mention_no"
#define MEMBERSHIP_USER 1 /* which of them is the person */
#define MEMBERSHIP_COLUMN_COUNT 14

enum notify_level { NOTIFY_ALL, NOTIFY_MENTIONS, NOTIFY_NONE };

struct membership {
    int64_t room_id, user_id;
    enum member_role role;
    int64_t seq, message_no; /* the cursor */
    int64_t changed_us;      /* grows with every change of the row */
    enum notify_level notify;
    int64_t muted_us, archived_us, pinned_us; /* 0: not */
    int64_t silent_us, joined_us;             /* only from the database, 0 from the cache */
    int64_t mentions;        /* by name, beyond the cursor */
    int64_t room_mention_no; /* of the cursor */
};

const char *member_role_name(enum member_role role);
bool member_role_from(struct text name, enum member_role *role);
const char *notify_level_name(enum notify_level level);
bool notify_level_from(struct text name, enum notify_level *level);
/* How the person sees the room: `notify`, `archived`, `pinned`, into the open object. */
void membership_write_view(struct json_out *out, const struct membership *membership);
void membership_read(struct membership *membership, const struct db_rows *rows, int row, int column);

/*
 * What is unread, and how much of it mentions them, in a room whose log stands at these numbers. Not below 0: a cursor that was just moved
 * may be known before what it was moved to.
 */
int64_t membership_unread(const struct membership *membership, int64_t room_message_no);
int64_t membership_mentions(const struct membership *membership, int64_t room_message_no, int64_t room_mention_no);
