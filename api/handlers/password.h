/*
 * password: changing one's own, and asking for it.
 */
#pragma once

#include "api/hasher.h"
#include "api/request/call.h"

#define PASSWORD_MIN_CHARS 8
#define PASSWORD_MAX_CHARS 128
#define PASSWORD_TRIED_MAX_BYTES 1024 /* any text may be tried */

enum err password_post(struct call *call);

/*
 * Is `password` one's own? ERR_WRONG_PASSWORD names `field`. `hash`: with what it was compared, so that what is then done can be bound to it: one that
 * is changed meanwhile allows nothing.
 */
MUST_CHECK enum err password_check_own(struct call *call, const char *field, struct text password, char hash[HASHER_TEXT_BYTES]);
