/*
 * relation: what one person has made of another: a contact, somebody blocked, both or neither; a row of `relations`. It is that one
 * person's own thing, but it decides what the other may see and do.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/model/profile.h"
#include "api/store/db.h"

/* Columns of table alias `r`, in the order relation_read() expects; NULL throughout where there is none. */
#define RELATION_COLUMNS(r)      r ".user_id, " r ".other_id, " r ".is_contact, " r ".is_blocked, " r ".changed_at"
#define RELATION_COLUMN_COUNT 5

#define RELATION_TRACES_KEPT "interval '30 days'" /* of those that are over, for /me/changes */

struct relation {
    int64_t user_id, other_id; /* whose it is, and with whom */
    bool is_contact, is_blocked;
    int64_t changed_us; /* grows with every change; 0: there never was one */
};

void relation_read(struct relation *relation, const struct db_rows *rows, int row, int column);
/* {user_id, contact, blocked, changed_at}: of the other person, into the open object. */
void relation_write_members(struct json_out *out, const struct relation *relation);

/* How close `reader` is to the person whose relation with the reader this is. */
enum visibility relation_closeness(const struct relation *relation, int64_t person_id, int64_t reader_id);

/* SQL, of two bigints: has `a` blocked `b`? One look into an index, and none where what stands before it in the condition is false. */
#define RELATION_BLOCKS(a, b)                                                                      \
    "EXISTS (SELECT FROM public.relations WHERE user_id = " a " AND other_id = " b " AND is_blocked)"
/* Has one of them blocked the other? Then neither writes to the other. */
#define RELATION_PARTS(a, b) "(" RELATION_BLOCKS(a, b) " OR " RELATION_BLOCKS(b, a) ")"
/* Is `b` a contact of `a`'s? */
#define RELATION_IS_CONTACT(a, b)                                                                  \
    "EXISTS (SELECT FROM public.relations WHERE user_id = " a " AND other_id = " b " AND is_contact)"
/* Does `to` let only contacts begin to write, and `from` is none? */
#define RELATION_SHUTS_OUT(to, from)                                                               \
    "(EXISTS (SELECT FROM public.users WHERE id = " to " AND who_may_write = 'contacts')"          \
    " AND NOT " RELATION_IS_CONTACT(to, from) ")"
