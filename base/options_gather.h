/*
 * options_gather: what somebody gave for the rows of a table, from several sources, before it is
 * turned into values. Inside base/ only.
 */
#pragma once

#include "base/options.h"

/* What was given for one option; `value` NULL = nobody did. Later sources overwrite earlier. */
struct given {
    char *value;
    char *place;  /* "--http.port", "PARLEY_HTTP_PORT", "/etc/parley.conf:3" */
    bool is_path; /* of a secret's file */
    bool is_json; /* `value` is a member of a JSON object: its string, or raw */
};

struct gathering {
    const struct option *table;
    size_t count;
    const struct option_foreign *foreign;
    struct options_notes *notes;
    bool reads_others_files; /* an object where we have a word is another program's */
    const char *program; /* for a warning on standard error; NULL: none */
    const char *place;   /* what stands before names in errors; NULL: nothing */
    struct given *given; /* one for each row */
};
void gathering_init(struct gathering *gathering); /* the fields above `given` are set */
void gathering_fini(struct gathering *gathering);

/*
 * What was given for option `name`, also by its second name; NULL when there is none. "x.file" is
 * option "x" if that is a secret.
 */
struct given *gathering_find(const struct gathering *gathering, struct text name, bool *is_path);
/* Keeps a copy of `value` and takes `place`. */
void given_set(struct given *given, const char *value, bool is_path, char *place);

/* Is it JSON, rather than lines? */
bool gathering_is_json(struct text file);
/* A whole configuration file. False: `notes->error`. */
MUST_CHECK bool gathering_read_file(struct gathering *gathering, struct text file,
                                    const char *path);
/* The members of `object`; `place` and `name` are what stands before the names of its members, in
 * errors and in notes: "/etc/parley.json: " and "". */
MUST_CHECK bool gathering_read_object(struct gathering *gathering, struct json_value object,
                                      const char *place, const char *name);
/* Asks only for names of the table, since several programs share the environment: PARLEY_X for x,
 * PARLEY_PROXIES_CHAT_X below "proxies.chat". */
void gathering_read_environment(struct gathering *gathering, const char *below);
/* Notes foreign names that are set there. */
MUST_CHECK bool gathering_note_environment(struct gathering *gathering);

/* Sets all values, in the order of the table. False: `notes->error`. */
MUST_CHECK bool gathering_apply(struct gathering *gathering);

/* Appends PARLEY_HTTP_PORT for http.port; PARLEY_PROXIES_CHAT_ENDPOINT for endpoint below
 * "proxies.chat" (NULL: below nothing). */
void options_variable(struct buf *out, const char *below, const char *name);
