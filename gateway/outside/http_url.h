/*
 * http_url: whether an address in the configuration can be asked at all.
 */
#pragma once

#include "base/text.h"

/* NULL, or what is wrong. Never quotes the address: it may hold a password. */
const char *http_url_wrong(struct text url);
