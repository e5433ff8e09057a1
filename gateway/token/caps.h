/*
 * caps: what a connection token lets its user do, and in which channels (the claim `caps`, as in
 * Centrifugo's paid edition):
 *
 *   "caps": [{"channels": ["news", "user_42"], "allow": ["sub", "hst"]},
 *            {"channels": ["game:*"], "match": "wildcard", "allow": ["pub"]}]
 *
 * Read once, never changed; any thread.
 */
#pragma once

#include <regex.h>

#include "base/arena.h"
#include "base/json.h"

#define CAPS_MAX         64  /* entries of one token */
#define CAP_CHANNELS_MAX 100 /* of one entry */
#define CAP_REGEXES_MAX  32  /* of one token: each connection compiles its own, some KiB */
#define CAP_REGEX_SIZE   256 /* places of one, as go_regex_compile() counts */

enum { CAP_SUB = 1, CAP_PUB = 2, CAP_PRESENCE = 4, CAP_HISTORY = 8 };
enum cap_match { CAP_EXACT, CAP_WILDCARD, CAP_REGEX };

struct token_cap {
    struct text *channels; /* names or patterns; a * in a wildcard stands for any bytes, or none */
    size_t channel_count;
    enum cap_match match;
    unsigned allow;   /* CAP_SUB and so on */
    regex_t *regexes; /* of CAP_REGEX: one per channel, anywhere in the name */
};

struct token_caps {
    struct token_cap *at;
    size_t count;
};

/*
 * Reads the claim, a list; memory from `arena`, but for the regexes: always caps_fini(). False:
 * `why` says what is wrong.
 */
MUST_CHECK bool caps_read(struct token_caps *caps, struct arena *arena, struct json_value claim,
                          const char **why);
void caps_fini(struct token_caps *caps);

/*
 * All that any entry allows in `channel`. What has a * may be a wildcard subscription: it must be
 * named by an entry, or covered whole by a wildcard; a regular expression never says so.
 */
unsigned caps_allow(const struct token_caps *caps, struct text channel);
