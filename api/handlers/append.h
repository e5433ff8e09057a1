/*
 * append: a row of a room's log for a call, and what its outcome means to who asked.
 */
#pragma once

#include "api/log/room_log.h"
#include "api/request/call.h"

/*
 * Appends `row`; ERR_OK: it is stored, or was so already (row->outcome). A refusal that ends by itself tells when. The numbers of
 * the answer stay in `row`, which needs no log_row_fini() any more.
 */
MUST_CHECK enum err append_row(struct call *call, struct log_row *row);
