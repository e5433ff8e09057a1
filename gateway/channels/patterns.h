/*
 * patterns: channel names with `*`, which stand for all channels that match. Pure, any thread.
 */
#pragma once

#include "base/text.h"
#include "gateway/settings.h"

/* Does `name` stand for many channels in its namespace? NULL: a namespace without options. */
bool pattern_is(struct text name, const struct namespace *namespace);

/*
 * Does the pattern stand for this channel of its namespace? Who may only be let in by a token or by
 * name is no news for others: `*` does not stand for the mark of a private channel, nor for that of
 * a user-limited one where those are allowed.
 */
bool channel_matches(struct text pattern, struct text name, const struct namespace *namespace,
                     const struct settings *settings);
