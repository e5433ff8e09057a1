/*
 * users: who has questions open, and what the log said about their memberships meanwhile.
 *
 * An answer that grants was read by the API at some offset; by the time it is here, newer events
 * may have passed. So while a user has a question open, each event that adds or removes them is
 * noted, and the newer fact wins. Before the question is asked nothing needs to be noted: what was
 * seen by then is older than the answer. Broker's thread.
 */
#pragma once

#include <stdbool.h>
#include <uthash.h>

#include "gateway/mail/request.h"

#define USERS_FACTS_MAX                                                                            \
    1024 /* per user with open questions; beyond it their answers are void, and they ask again */

struct fact {
    int64_t room;
    uint64_t offset;               /* where the log said so */
    bool removed;                  /* else added */
    const struct request *told_to; /* whose answer knew of the room; connects.c */
};

struct user {
    struct request *open; /* list */
    struct fact *facts;   /* the newest of each room */
    uint32_t fact_count, fact_cap;
    bool too_many;
    UT_hash_handle hh;
    uint32_t name_len;
    char name[];
};

struct users {
    struct user *map;
    uint64_t lost; /* facts beyond USERS_FACTS_MAX, that nobody has counted yet */
};

void users_open(struct users *users, struct request *request); /* request->user asks */
void users_close(struct users *users, struct request *request);
struct user *users_find(const struct users *users, struct text name);

/* An event of `room` at `offset` says that `name` was added or removed. */
void users_note(struct users *users, struct text name, int64_t room, uint64_t offset, bool removed);
/* … or that nobody is a member any more. */
void users_note_all(struct users *users, int64_t room, uint64_t offset);
const struct fact *user_fact(const struct user *user, int64_t room); /* NULL: none */
