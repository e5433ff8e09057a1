/*
 * message_changes: one message, and what becomes of it: edits and what it said before, deletion. Handlers of
 * /rooms/{room}/messages/{seq}.
 */
#pragma once

#include "api/request/call.h"

enum err message_get(struct call *call);
enum err message_patch(struct call *call);
enum err message_delete(struct call *call);
enum err revisions_get(struct call *call);
