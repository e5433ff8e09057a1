/*
 * address: whom a request comes from, when it comes through proxies. Foreign bytes; any thread.
 */
#pragma once

#include "base/text.h"

/*
 * `direct` is the peer of the connection, `forwarded` its X-Forwarded-For ("client, proxy1,
 * proxy2"). Each proxy appends whom it heard from, so from the right everything is believed as long
 * as the one who said it is in `trusted` (a list of addresses). Borrows from the two.
 */
struct text address_behind_proxies(const char *trusted, struct text direct, struct text forwarded);
