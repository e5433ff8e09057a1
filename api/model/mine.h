/*
 * mine: which of the reactions to the messages of a page are the asker's own. Everything else about a message is the same for all, and
 * often asked for once for many (api/model/shared_page.h); this is asked for each, once for a whole page, if it has any reactions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/store/db.h"
#include "api/worker.h"
#include "base/err.h"

struct mine { /* zero-initialised: nobody's */
    struct db_query query;
};

/* From a task: of the messages in `rows` (EVENT_COLUMNS), of one room. May be called for several pages. Always mine_fini(). */
MUST_CHECK enum err mine_read(struct worker *worker, int64_t room_id, int64_t user_id, const struct db_rows *const *pages, size_t count,
                              struct mine *mine);
void mine_fini(struct mine *mine);
bool mine_has(const struct mine *mine, int64_t seq, struct text emoji);
