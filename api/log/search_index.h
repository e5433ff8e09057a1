/*
 * search_index: reads the log into the words that searches look for, a little at a time, beside everything else. Whoever searches does not
 * wait for it: what it has not read yet is looked through by the search itself (api/handlers/search.c).
 *
 * Each API does so, for all lanes; rooms that another one is at are passed over.
 */
#pragma once

#include "api/worker.h"

/*
 * From a task of worker 0, on a connection of its own: all that there is, `*most` messages of a lane at once, until `*stopping`. What fails, as
 * when long texts take longer than search.timeout_ms, is tried again the next time, with half as many; after what went well twice as many, up
 * to search.index_max.
 */
void search_index_run(struct worker *worker, int64_t *most, const bool *stopping);
/* From a task, once: rooms that were read for another search.language are read anew. ERR_UNAVAILABLE: not yet. */
MUST_CHECK enum err search_index_check(struct worker *worker);
