/*
 * password: changing one's own.
 */
#pragma once

#include "api/request/call.h"

#define PASSWORD_MIN_CHARS 8
#define PASSWORD_MAX_CHARS 128

enum err password_post(struct call *call);
