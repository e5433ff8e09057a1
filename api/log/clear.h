/*
 * clear: what was in a deleted room goes, piece by piece, so that no statement grows with the room: memberships, of which each person is
 * told (`room_removed`), then its names, bans and events but the last. The room itself is there for nobody from the commit of its
 * deletion on: nothing of this has to be quick.
 *
 * Each piece commits with an outbox row of an incarnation that nobody holds (CLEAR_INCARNATION), so any living API tells what
 * is in it, whoever died meanwhile. Nobody else writes a deleted room, so none of this needs the lane's writer.
 */
#pragma once

#include "api/worker.h"

#define CLEAR_INCARNATION 0

/* From a task: a first piece of memberships and the room's names, right after the deletion. What fails is done by clear_all(). */
void clear_first(struct worker *worker, int64_t room_id);
/* From a task: all deleted rooms of all lanes that are not cleared; stops early when `*stopping` becomes true. */
void clear_all(struct worker *worker, const bool *stopping);
