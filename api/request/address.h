/*
 * address: whom a request comes from, when it comes through proxies. Foreign bytes; any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"

/*
 * `direct` is the peer of the connection, `forwarded` its X-Forwarded-For ("client, proxy1,
 * proxy2"). Each proxy appends whom it heard from, so from the right everything is believed as long
 * as the one who said it is in `trusted` (a list of addresses and networks). Borrows from the two.
 */
struct text address_behind_proxies(const char *trusted, struct text direct, struct text forwarded);

/* "10.0.0.0/8", "2001:db8::/32", "127.0.0.1". */
bool address_is_network(struct text value);
/* Is it one of these, a comma-separated list? What is no network there is passed over. */
bool address_in(const char *networks, struct text address);
/* Is each item of an option a network or `word` ("": none)? Else says in the log which one is not. */
bool address_check_option(const char *option, const char *networks, const char *word);
/* Whom limits mean by an address: itself, of IPv6 its first 64 bits ("2001:db8::/64"). */
void address_network(struct text address, struct buf *out);
