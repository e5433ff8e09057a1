/*
 * chats: the line that a room's summary listeners get instead of its publications: the first at
 * once, later ones folded into the newest and sent at the end of a window, so at most one per room
 * and window. Mentions are united.
 *
 * One frame per line serves all listeners; nothing is encoded when there is none. Loop's thread.
 */
#pragma once

#include <uv.h>

#include "gateway/loop/hub.h"
#include "gateway/metrics.h"
#include "gateway/mail/parcel.h"

#define CHATS_MENTIONS_MAX 256 /* people named in one line; more become `mentions_room` */

struct chats;

struct chats *chats_open(uv_loop_t *loop, struct hub *hub, int64_t window_ms,
                         struct metrics *metrics);
void chats_close(struct chats *chats); /* memory goes with libuv's close callback */

/* Something happened in a room: `parcel` has a summary. */
void chats_tell(struct chats *chats, struct hub_channel *room, struct parcel *parcel);
/* The same, and its line is told at once, with what has waited until now united into it: it says what the next one does not. */
void chats_tell_now(struct chats *chats, struct hub_channel *room, struct parcel *parcel);
void chats_forget(struct chats *chats, struct hub_channel *room); /* it dies */

/* The room's newest line, for one who follows it no more: of what was on its way then, the client takes
 * no notice. With a reference of the caller's; NULL: nothing has happened. */
struct parcel *chats_newest(const struct hub_channel *room);

/* {"type":"stale"}: lines may be missing. With a reference of the caller's. */
struct parcel *chats_stale(void);
