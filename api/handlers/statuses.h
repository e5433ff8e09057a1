/*
 * statuses: who is online, over HTTP. Handler of /statuses.
 */
#pragma once

#include "api/model/status.h"
#include "api/request/call.h"

enum err statuses_get(struct call *call);

/*
 * The status of each of the people, as far as the asker may know it: in the same order, for member lists; one who hides from the asker is not
 * `is_known`.
 */
MUST_CHECK enum err statuses_read(struct call *call, struct status *list, size_t count);
