/*
 * mention: whom a text means by @login, and whether it means everybody by @room.
 *
 * A name is a run of a-z, 0-9, `_`, `.` and `-` behind an @, in capitals or not. The @ follows no such character (it would be an
 * e-mail address), nor another @. What a sentence puts behind a name is no part of it: both `ada.` and `ada` are looked for in "ask
 * @ada." and the longer one of those that exist counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define MENTION_MOST      100 /* names looked at in a text: the first ones */
#define MENTION_MAX_BYTES 32  /* of a login */

struct mention {
    char login[MENTION_MAX_BYTES]; /* in small letters */
    size_t len;   /* as it stands */
    size_t short_len; /* without the points and dashes at its end; the same when there are none; 0: nothing else is there */
};

struct mentions {
    struct mention list[MENTION_MOST];
    size_t count; /* each once */
    bool room;
};

/* At most `most` names, up to MENTION_MOST. False: nobody is mentioned, as a rule without looking at more than the text's bytes once. */
bool mentions_find(struct text message, size_t most, struct mentions *found);
