/*
 * chats: the list of one's rooms with last message, cursor and unread count. Handler of GET /rooms.
 */
#pragma once

#include "api/request/call.h"

enum err chats_get(struct call *call);
