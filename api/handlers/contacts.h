/*
 * contacts: one's contacts, and whom one has blocked. Handlers of /me/contacts and /me/blocks.
 */
#pragma once

#include "api/request/call.h"

enum err contacts_get(struct call *call);
enum err contacts_put(struct call *call);
enum err contacts_delete(struct call *call);
enum err blocks_get(struct call *call);
enum err blocks_put(struct call *call);
enum err blocks_delete(struct call *call);
