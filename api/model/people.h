/*
 * people: users by id, for answers that show them: from the cache, the rest from the database (and into the cache).
 */
#pragma once

#include "api/model/user.h"
#include "api/worker.h"
#include "base/err.h"

struct people;

/* From a task. Repeated, zero and unknown ids are fine. Always people_destroy(), also after an error. */
MUST_CHECK enum err people_read(struct worker *worker, const int64_t *ids, size_t count, struct people **out);
const struct user *people_find(const struct people *people, int64_t id); /* NULL: nobody of that id */
struct text people_name(const struct people *people, int64_t id);        /* empty: nobody */
void people_destroy(struct people *people);                              /* NULL does nothing */
