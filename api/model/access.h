/*
 * access: may this person see what is in this room? Asked of the primary, beside the question itself.
 */
#pragma once

#include "api/request/call.h"
#include "api/store/db.h"
#include "api/model/membership.h"
#include "api/model/room.h"

struct access {
    enum room_kind kind;
    bool is_member;
    int64_t seq, message_no;      /* where the log stands */
    struct membership membership; /* when there is one, also a former one */
};

/* Prepares the question; send it behind others with db_run_in_order(). The room's id names the lane. */
void access_ask(struct db_query *query, int64_t room_id, int64_t user_id);
/* ERR_NOT_FOUND: no such room, or not for strangers. ERR_MEMBER_REQUIRED: a public room's contents. `*access` is filled unless ERR_NOT_FOUND. */
MUST_CHECK enum err access_judge(const struct db_query *query, struct access *access);

/* The same for several people at once; then judge each, who must be one of them. */
void access_ask_all(struct db_query *query, int64_t room_id, const int64_t *user_ids, size_t count);
MUST_CHECK enum err access_judge_of(const struct db_query *query, int64_t user_id, struct access *access);

/* Runs a question about a room's contents, then that of access, and judges: who was removed meanwhile gets nothing. */
MUST_CHECK enum err access_run(struct call *call, int64_t room_id, struct db_query *query, struct access *access);
/* A room's lane as a query wants it; DB_NO_LANE when no such lane exists: then there is no such room either. */
int access_lane(struct call *call, int64_t room_id);
