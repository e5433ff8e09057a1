/*
 * ban: whom the operator keeps out of the gateways (blocked users, revoked tokens), as PostgreSQL keeps it. Gateways are told each
 * as an order; one that was away, or is new, asks for those behind the last number that it knows.
 */
#pragma once

#include "api/worker.h"
#include "bus/wire.h"

/* Does such an order make or lift one? */
bool ban_is_made_by(const Bus__Order *order);

/*
 * From a task: stores what the order says, in place of what was said of the same user or token before, and gives the order its
 * number; 0: it was carried out before. ERR_TOO_LARGE: a name is too long. ERR_LIMIT: there are `bans.max` already. ERR_UNAVAILABLE: it may have been stored.
 */
MUST_CHECK enum err ban_store(struct worker *worker, Bus__Order *order);

/* $1: behind this number; $2: at most so many. Rows for ban_read(). */
extern const struct db_statement ban_select_after;
/* `order` borrows from the rows. */
void ban_read(const struct db_rows *rows, int row, Bus__Order *order);

/* Drops what is over, if $1. */
extern const struct db_statement ban_prune;
