/*
 * views: how one sees a room oneself: how loud it is, archived, pinned to the top. Handlers of /rooms/{room}/notify, /archive, /chat-pin.
 */
#pragma once

#include "api/request/call.h"

enum err notify_put(struct call *call);
enum err archive_put(struct call *call);
enum err archive_delete(struct call *call);
enum err chat_pin_put(struct call *call);
enum err chat_pin_delete(struct call *call);
