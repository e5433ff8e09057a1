/*
 * origin: which web pages may call. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/*
 * `origin` as the browser sends it ("https://chat.example:8443", "null"), `host` the request's Host
 * header. `list`: the configured origins, compared exactly; empty: a page of the same host, any
 * port, as the gateways live on other ports.
 */
bool origin_allowed(const char *list, struct text origin, struct text host);
