/*
 * keys: fetches the key sets of tokens (JWKS) when one is named that is not known, or when they are
 * old. Loop's thread.
 */
#pragma once

#include "gateway/loop/loop.h"

/* The sets that want it, and are not being fetched by another loop. */
void keys_fetch(struct loop *loop);
