/*
 * seen: when the last connection of a user ended here. Of too many users the one that was seen
 * longest ago is forgotten. Loop's thread.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define SEEN_USERS_MAX 50000 /* users of one loop */

struct seen_user;

struct seen {
    struct seen_user *map; /* the longest ago first */
};

void seen_fini(struct seen *seen);
void seen_note(struct seen *seen, struct text user, int64_t now_s);
int64_t seen_when(const struct seen *seen, struct text user); /* Unix time; 0: not known */
