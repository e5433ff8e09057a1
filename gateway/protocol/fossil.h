/*
 * fossil: Fossil's delta format, in which a publication may be sent as a change of the one before it.
 *
 * A delta is text but for its literals: `<target length>\n`, then segments, then `<checksum>;`. Numbers are in base 64,
 * highest digit first, with the digits 0-9 A-Z _ a-z ~. `<len>@<offset>,` copies from the source, `<len>:<bytes>` is literal.
 * Source: fossil-scm.org, "The Fossil Delta Format". Any thread; keeps nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

/*
 * Appends the delta that makes `target` of `source`, each below 4 GiB. It may be longer than `target`: the caller sends the
 * full form then. `as_text`: both are UTF-8, and so is the delta, because no literal begins or ends inside a character;
 * a session that speaks JSON carries it in a string. The work is linear in both lengths, whatever they hold.
 */
void fossil_delta(struct buf *out, struct text source, struct text target, bool as_text);

/*
 * Appends the target that `delta` makes of `source`. False, and nothing appended: `delta` is malformed, reaches beyond
 * `source`, makes more or less than it announces, or something with another checksum. What it makes can be as long as it
 * announces, up to 4 GiB, and many times as long as itself: who does not trust its author bounds `source` and `delta`.
 */
MUST_CHECK bool fossil_apply(struct buf *out, struct text source, struct text delta);
