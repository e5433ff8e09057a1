/*
 * reactions: who has put which emoji to a message. Handlers of /rooms/{room}/messages/{seq}/reactions/{emoji}.
 */
#pragma once

#include "api/request/call.h"

enum err reactions_get(struct call *call);
enum err reaction_put(struct call *call);
enum err reaction_delete(struct call *call);

/* 1 to 32 bytes of UTF-8 without blanks, control characters or those that turn the direction of what follows. */
bool reaction_is_emoji(struct text emoji);
