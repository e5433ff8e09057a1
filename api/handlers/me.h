/*
 * me: one's own account: what it says, and changing it. Handlers of /me.
 */
#pragma once

#include "api/request/call.h"

enum err me_get(struct call *call);
enum err me_patch(struct call *call);
enum err me_post_email(struct call *call);
