/*
 * shared_page: what stands in a room, asked for by many at once (all of its members, when they come back): one question for all who ask
 * the same, and one for the access of all of them (api/flights.h). The room's id names the lane.
 */
#pragma once

#include "api/model/access.h"
#include "api/request/call.h"
#include "api/store/db.h"

#define SHARED_PAGE_QUERIES 2

struct shared_page;

/*
 * Asks `queries` (at most SHARED_PAGE_QUERIES, without anything of the asker in them; taken over) and whether the caller may see their
 * answers. ERR_NOT_FOUND, ERR_MEMBER_REQUIRED as access_judge(). On success `*page` is there until shared_page_leave().
 */
MUST_CHECK enum err shared_page_read(struct call *call, int64_t room_id, struct db_query *queries, size_t count, struct shared_page **page,
                                     struct access *access);
const struct db_rows *shared_page_rows(const struct shared_page *page, size_t i);
void shared_page_leave(struct shared_page *page);
