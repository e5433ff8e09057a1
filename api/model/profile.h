/*
 * profile: the free fields of a person (age, city …), and who sees which. Two JSON objects side by side, as they stand in `users`:
 * name -> text, and name -> visibility, which has none but names of fields.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

#define PROFILE_NAME_MAX_CHARS 32

/* Who may see a field; also how close a reader is: they see what is for them, and what is for those further away. */
enum visibility { VISIBLE_TO_EVERYONE, VISIBLE_TO_CONTACTS, VISIBLE_TO_NOBODY };

const char *visibility_name(enum visibility visibility);
bool visibility_from(struct text name, enum visibility *visibility);

/* Those of `fields` that a reader may see who is that close; VISIBLE_TO_NOBODY is the person. As an object. */
void profile_write(struct json_out *out, struct text fields, struct text visibility, enum visibility closeness);
/* The visibility of every field, also of those that are for everyone. */
void profile_write_visibility(struct json_out *out, struct text fields, struct text visibility);

struct profile_limits {
    size_t fields;      /* how many */
    size_t value_chars; /* of each */
};

/* Why a profile is refused. */
struct profile_fault {
    enum err err;
    const char *why; /* NULL: the limits; else a sentence without a subject */
};

/*
 * Writes `given` (a client's object of texts) as `users` keeps it. False: something of it is not as it must be, `*fault` says what; then
 * `out` is of no use. A field of empty text is a field; to be rid of it, leave it out.
 */
MUST_CHECK bool profile_read(struct json_value given, const struct profile_limits *limits, struct buf *out, struct profile_fault *fault);
/* The same for a visibility; `fields` are those that there will be. `given` may be one that is stored: then names that are gone are dropped. */
MUST_CHECK bool profile_read_visibility(struct json_value given, struct text fields, bool is_stored, struct buf *out,
                                        struct profile_fault *fault);
