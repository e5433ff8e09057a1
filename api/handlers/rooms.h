/*
 * rooms: making rooms and finding them. Handlers of /rooms but for its members and messages.
 */
#pragma once

#include "api/request/call.h"

enum err rooms_post(struct call *call);
enum err rooms_post_direct(struct call *call);
enum err rooms_put_by_slug(struct call *call);
enum err rooms_post_by_name(struct call *call);
enum err rooms_get_public(struct call *call);
enum err rooms_get_one(struct call *call);

/* Answers with the Room as it is now. From a task. */
enum err rooms_reply(struct call *call, int64_t room_id, int status);
