/*
 * rights: who may do what in a room: one table of actions, and the least role that each takes, by the kind of the room.
 *
 * The only place that says so. Handlers ask rights_allow(); statements that judge under the room's lock get the row of their
 * action as a parameter (rights_add()) and read it with RIGHTS_LEAST(). docs/rights.md shows this table, and a test compares them.
 */
#pragma once

#include "api/model/membership.h"
#include "api/model/room.h"

enum right {
    RIGHT_SEE,           /* what is in the room: messages, events, members, pins */
    RIGHT_SEND,          /* and reply, forward, attach */
    RIGHT_EDIT_OWN,      /* messages */
    RIGHT_DELETE_OWN,
    RIGHT_DELETE_ANY,    /* of others */
    RIGHT_SEE_REVISIONS, /* of others' edited messages; everybody sees those of the own */
    RIGHT_REACT,
    RIGHT_PIN,           /* and unpin */
    RIGHT_MENTION_ROOM,  /* everybody at once */
    RIGHT_JOIN,          /* by oneself; who is no member counts as `left` */
    RIGHT_LEAVE,
    RIGHT_INVITE,
    RIGHT_KICK,
    RIGHT_SEE_BANS,
    RIGHT_BAN,           /* and lift bans */
    RIGHT_SILENCE,       /* and let speak again */
    RIGHT_CHANGE_ROLE,   /* to one below one's own */
    RIGHT_HAND_OVER,     /* one's ownership */
    RIGHT_EDIT_ROOM,     /* name, about, slug, icon, its place in a group */
    RIGHT_DELETE_ROOM,
    RIGHT_COUNT,
};

/* May who has `role` do it in a room of this kind? Of actions on people: to those alone who are rights_below() oneself. */
bool rights_allow(enum right right, enum room_kind kind, enum member_role role);
/* Nobody may in rooms of this kind: ERR_NOT_POSSIBLE rather than ERR_ROLE_REQUIRED. */
bool rights_nobody(enum right right, enum room_kind kind);
/* Is the action about a person, and only of those whose role is lower than one's own? */
bool rights_of_those_below(enum right right);
bool rights_below(enum member_role subject, enum member_role actor);

/* ERR_OK, ERR_NOT_POSSIBLE or ERR_ROLE_REQUIRED, for an action that takes no subject. */
MUST_CHECK enum err rights_check(enum right right, enum room_kind kind, enum member_role role);

/* Adds the action's least roles as text[], one for each kind of room in the order of `room_kind`; NULL = nobody. */
void rights_add(struct db_params *params, enum right right);
/* SQL: the least role for `kind` of what rights_add() put at `param`; roles are ordered, so `role > least` is a refusal. */
#define RIGHTS_LEAST(param, kind)                                                                                                 \
    "((" param "::text[])[array_position(enum_range(NULL::public.room_kind), " kind ")]::public.member_role)"

/* The table as docs/rights.md has it. */
void rights_write_table(struct buf *out);
