/*
 * messages: history and the raw log of a room. Handlers of GET /rooms/{room}/messages and /events.
 */
#pragma once

#include "api/request/call.h"
#include "api/store/db.h"

#define MESSAGE_MAX_BYTES (16 * 1024)

enum err messages_get(struct call *call);
enum err events_get(struct call *call);

/*
 * How many of the first rows (EVENT_COLUMNS) a page shows: at most `limit`, and so many that their bodies stay below 1 MiB, but one at least.
 * So a page is small however long its messages are.
 */
int messages_fit(const struct db_rows *rows, int64_t limit);

/* The newest messages of a room, newest first: $1 room, $2 below this seq, $3 limit; EVENT_COLUMNS. */
extern const struct db_statement select_messages_before;
/* Events after a seq, ascending: $1 room, $2 after, $3 limit; EVENT_COLUMNS. */
extern const struct db_statement select_events_after;
