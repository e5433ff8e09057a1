/*
 * room_names: unique names of rooms, reserved in public.room_names before the room has them: slugs, and pairs of direct rooms. Who
 * finds a name without its room makes that room, so nothing has to be cleaned up after a crash.
 *
 * A room that is given another slug holds both until the old one is let go of; a crash in between leaves it with both, until its next
 * change or its end. Tasks.
 */
#pragma once

#include "api/request/call.h"
#include "base/buf.h"

MUST_CHECK enum err room_new_id(struct worker *worker, int64_t *room_id);
/* Reserves `name` ("direct:3:7") for a new id, or tells whose it is. */
MUST_CHECK enum err room_name_reserve(struct worker *worker, struct text name, int64_t *room_id);

/* ERR_OUT_OF_RANGE with the field: no slug. */
MUST_CHECK enum err room_slug_check(struct call *call, struct text slug);
MUST_CHECK enum err room_slug_reserve(struct worker *worker, struct text slug, int64_t *room_id);
/* Reserves it for a room that there is, which is about to be at `edition`. ERR_SLUG_TAKEN: another room has it. */
MUST_CHECK enum err room_slug_claim(struct worker *worker, struct text slug, int64_t room_id, int64_t edition);
/* Lets go of all names of a room but `slug` (empty: of all) that were reserved for `edition` or one before it. */
void room_slugs_release(struct worker *worker, int64_t room_id, struct text slug, int64_t edition);
/* What was claimed for `edition` did not come about. */
void room_slug_give_up(struct worker *worker, struct text slug, int64_t room_id, int64_t edition);
/* The slug led to a room that is deleted. */
void room_slug_forget(struct worker *worker, struct text slug, int64_t room_id);

/*
 * The slug that a name stands for: "Tea Room" -> "tea-room". Capitals and what is between words make no difference. A name of which
 * too little would be left, or with other letters than ASCII's, gets the hash of the name at its end.
 */
void room_slug_of_name(struct buf *out, struct text name);
