/*
 * users: registration, and people as others see them. Handlers of /users.
 */
#pragma once

#include "api/request/call.h"

enum err users_post(struct call *call);
enum err users_get(struct call *call);
enum err users_get_one(struct call *call);

#define USER_NAME_MAX_CHARS  100
#define USER_ABOUT_MAX_CHARS 500

/* The body's `email`, which must be there. */
MUST_CHECK enum err users_read_email(struct call *call, struct text *email);
