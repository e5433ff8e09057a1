/* search: what was said in one's own rooms. */
#pragma once

#include "api/request/call.h"

/* GET /v1/search/messages ? q, room, sender, from, to, limit, after -> Page of {message, room, excerpt}, newest first */
enum err search_get_messages(struct call *call);
