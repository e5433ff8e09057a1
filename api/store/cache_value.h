/*
 * cache_value: how rooms, heads, activities, memberships and people stand in Redis: a line of numbers, then texts. The first number says how
 * new the value is (room version, head seq, number of the last message, membership changed_us, user version): the scripts of coherence.c compare it.
 *
 * What comes back may be anything: reading checks every byte and says no rather than half.
 */
#pragma once

#include <stdbool.h>

#include "api/model/membership.h"
#include "api/model/room.h"
#include "api/model/user.h"
#include "base/buf.h"
#include "base/text.h"

void cache_write_room(struct buf *out, const struct room *room);
void cache_write_head(struct buf *out, const struct head *head);
void cache_write_activity(struct buf *out, const struct activity *activity);
void cache_write_membership(struct buf *out, const struct membership *membership);
void cache_write_user(struct buf *out, const struct user *user);

/* Texts are borrowed from `value`. The ids are the caller's: they are the key. */
MUST_CHECK bool cache_read_room(struct text value, int64_t room_id, struct room *room);
MUST_CHECK bool cache_read_head(struct text value, int64_t room_id, struct head *head);
MUST_CHECK bool cache_read_activity(struct text value, struct activity *activity);
MUST_CHECK bool cache_read_membership(struct text value, int64_t room_id, int64_t user_id, struct membership *membership);
MUST_CHECK bool cache_read_user(struct text value, int64_t user_id, struct user *user);
