/*
 * send: what somebody says in a room: a text, an answer, somebody's message passed on. Handler of POST /rooms/{room}/messages.
 */
#pragma once

#include "api/request/call.h"

enum err messages_post(struct call *call);
