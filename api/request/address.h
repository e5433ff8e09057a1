/*
 * address: whom a request comes from, when it comes through proxies. Foreign bytes; any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"

/*
 * `direct` is the peer of the connection, `forwarded` its X-Forwarded-For ("client, proxy1,
 * proxy2"). Each proxy appends whom it heard from, so from the right everything is believed as long
 * as the one who said it is in `trusted` (a list of addresses). Borrows from the two.
 */
struct text address_behind_proxies(const char *trusted, struct text direct, struct text forwarded);

/* "10.0.0.0/8", "2001:db8::/32", "127.0.0.1". */
bool address_is_network(struct text value);
/* Is it one of these, a comma-separated list? What is no network there is passed over. */
bool address_in(const char *networks, struct text address);
/* Whom limits mean by an address: itself, of IPv6 its first 64 bits ("2001:db8::/64"). */
void address_network(struct text address, struct buf *out);
