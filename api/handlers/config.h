/*
 * config: what a client needs to know before it signs in, and the description of this API. Handlers.
 */
#pragma once

#include "api/request/call.h"

enum err config_get(struct call *call);
enum err openapi_get(struct call *call);
