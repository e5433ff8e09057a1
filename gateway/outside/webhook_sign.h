/*
 * webhook_sign: how a receiver knows that a body is from this gateway, and not an old one repeated.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"

/*
 * Appends "t=UNIX,v1=HEX", the value of X-Parley-Signature: HEX is HMAC-SHA256 with `secret` over
 * UNIX, a dot and the body. A receiver computes it, compares in constant time, and refuses a `t`
 * that is minutes old. A later form would stand beside `v1` under another name.
 */
void webhook_sign(struct buf *out, struct text secret, int64_t time_s, struct text body);
