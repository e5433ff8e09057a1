/*
 * changes: what changed in one's own things since a time: cursors, rooms added and removed. Handler of GET /me/changes.
 */
#pragma once

#include "api/request/call.h"

enum err changes_get(struct call *call);
