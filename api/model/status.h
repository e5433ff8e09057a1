/*
 * status: is somebody online, on any device, and since when not. In Redis alone: never touches SQL, and is gone when Redis is.
 *
 * A gateway says of each of its people that they are there, and again every presence.refresh_ms; what it does not say again for
 * presence.life_ms counts no more. Who has gone everywhere is online for status.grace_ms more, so that coming back at once is no change.
 * Every change has a time of Redis' clock: of two, the later counts.
 */
#pragma once

#include <stdbool.h>

#include "api/worker.h"
#include "base/err.h"
#include "base/json.h"
#include "bus/wire.h"

struct status {
    int64_t user_id;
    bool is_known; /* else Redis did not say */
    bool online;
    int64_t changed_us; /* 0: never heard of */
    int64_t seen_us;    /* when not online; 0: not known */
};

/* Is this about somebody's status, rather than about who looks at a channel? */
bool status_is_step(const Bus__PresenceStep *step);
/*
 * From a task: stores what a gateway says. `*changed` (free() it): whose status is another now, `*count` of them. ERR_UNAVAILABLE: Redis is away.
 */
MUST_CHECK enum err status_store(struct worker *worker, const Bus__PresenceChange *change, struct status **changed, size_t *count);
/* From a task: the same of those who are gone for long enough by now, some of them; `*more`: there may be others. */
MUST_CHECK enum err status_sweep(struct worker *worker, struct status **changed, size_t *count, bool *more);

/* From a task: fills in all but user_id. Without Redis nobody `is_known`. */
void status_read(struct worker *worker, struct status *list, size_t count);
/* `online`, `last_seen_at` into the open object; nothing when it is not known. */
void status_write_state(struct json_out *out, const struct status *status);
/* The same with `changed_at`. */
void status_write_members(struct json_out *out, const struct status *status);
