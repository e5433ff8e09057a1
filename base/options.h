/*
 * options: one table says everything about a program's settings: name, type, unit, range, default,
 * help. From it come the command line, the environment, the file, --help, --check-config,
 * --print-defaults.
 *
 * A value is looked for in this order: command line `--http.port=8000` or `--http.port 8000`,
 * environment `PARLEY_HTTP_PORT` (dots and dashes become underscores; an empty one counts as not
 * set), file, default. The file is named by --config (-c) or PARLEY_CONFIG; it has lines
 * `http.port = 8000` (`#` begins a line of comment) or, when `{` is its first byte, is one JSON
 * object whose members are nested where names have dots: {"http": {"port": 8000}}. A bad value, and
 * an unknown name on the command line, stop the start with one clear line. Unknown names in the
 * file get a warning and in the environment nothing: one file and one environment serve all
 * programs. Once per process, before threads start.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum option_type {
    OPTION_TEXT,     /* char * */
    OPTION_SECRET,   /* char *, not empty; never printed. `--x.file=path`, PARLEY_X_FILE and `x.file
                        = path` read it from a file (at most 64 KiB, newlines at its end cut off) */
    OPTION_NUMBER,   /* int64_t, between min and max */
    OPTION_FLAG,     /* bool: true/false/yes/no/1/0; bare --name = true */
    OPTION_CHOICE,   /* int: index in `choices` */
    OPTION_DURATION, /* int64_t, ms between min and max, as Go writes it: 25s, 300ms, 1h30m. Of
                        plain numbers 0 alone, and -1 (for "off") where min is below 0 */
    OPTION_LIST,     /* struct option_list: words with spaces or commas between, or a JSON array */
    OPTION_SET,      /* unsigned: of a list's words, bits by index in `choices` */
    OPTION_JSON,     /* an array or object: read() makes of it what it likes */
};

struct option_list {
    char **at;
    size_t count;
};

/* What a reader has to say about the whole; every text NULL-safe through buf_cstring(). */
struct options_notes {
    struct buf foreign; /* names that another product knows and we do not, a space before each */
    struct buf unknown; /* names that nobody knows, likewise */
    struct buf error;   /* one line: what stops the start; empty: nothing does */
};
void options_notes_fini(struct options_notes *notes);
/* Sets the error, if it is the first; returns false. */
bool options_fail(struct options_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A value of OPTION_JSON: where it was given, for errors, and what it is called, for notes. */
struct option_place {
    const char *place; /* "/etc/parley.json: proxies", "PARLEY_PROXIES" */
    const char *name;  /* "proxies" */
};

struct option {
    const char *name; /* "http.port" */
    enum option_type type;
    void *value;                /* where the result goes, options_free() frees what is allocated */
    const char *fallback;       /* default as text; NULL = required unless `optional` */
    const char *unit;           /* "bytes", "connections"; NULL when there is none */
    int64_t min, max;           /* of numbers and durations; of secrets `min` = fewest bytes */
    const char *const *choices; /* OPTION_CHOICE, OPTION_SET; NULL at the end */
    bool optional;              /* without a fallback: `value` may stay as it is */
    const char *otherwise;      /* for the help: what then happens, "8000, on the bus 8001" */
    const char *help;           /* one sentence */
    const char *also;           /* a second name, everywhere; NULL: none */
    const char *brief;          /* a short one on the command line alone; NULL: none */
    bool hidden;                /* OPTION_JSON: has secrets in it, is never printed */
    bool named;                 /* OPTION_JSON: objects; words stand for those with that `name` */
    bool (*read)(void *value, struct json_value json, struct option_place place,
                 struct options_notes *notes); /* OPTION_JSON; false: options_fail() was told why */
};

/* A name that files written for another product may have, and everything below it: "consumers",
 * "engine.redis". */
struct option_foreign {
    const char *name;
    const char *fine; /* a value that asks for nothing, besides false, 0, "", [], {}; NULL: none */
    bool refused;     /* any other value stops the start: going on without would be wrong */
};

struct options {
    const char *program;  /* "parley-api" */
    const char *summary;  /* first lines of --help */
    struct option *table; /* `count` entries */
    size_t count;
    bool takes_operands; /* else a word that is no option stops the start */
    char **operands;     /* out: the words that are no options, in order */
    int operand_count;
    bool reads_others_files; /* files of other programs: what is not ours there is not worth a
                                word, nor is an object with the name of an option */
    const char *product;                  /* "Centrifugo"; NULL: no foreign names */
    const struct option_foreign *foreign; /* a NULL name at the end; may be NULL */
    /* Looks at all values together once they are set; false after options_fail(). May be NULL. */
    bool (*check)(void *context, struct options_notes *notes);
    void *context;
};

/*
 * Fills all values. Answers --help, --version, --print-defaults (a file with every option, its help
 * and its default, commented out; =json and =env in these forms) and --check-config (values in
 * force, secrets hidden, exit 0 or 2) itself and exits. On a bad value: one line on standard error
 * naming the place and the allowed range, exit status 2.
 */
void options_load(struct options *options, int argc, char **argv);

/*
 * Fills all values from the bytes of one configuration file alone: no command line, no environment,
 * nothing printed, no exit. `path` stands in errors. False: `notes->error` says why.
 */
MUST_CHECK bool options_read(struct options *options, struct text file, const char *path,
                             struct options_notes *notes);

/*
 * For read(): one object inside an OPTION_JSON value, with options of its own, read as if it were a
 * whole file. `variable`, when not NULL, is the name that its options are below in the environment
 * ("proxies.chat": PARLEY_PROXIES_CHAT_ENDPOINT).
 */
struct options_object {
    struct option *table;
    size_t count;
    const struct option_foreign *foreign; /* may be NULL */
    struct option_place place;
    const char *variable;
};
MUST_CHECK bool options_read_object(const struct options_object *object, struct json_value json,
                                    struct options_notes *notes);

/* Frees what the rows' values own and zeroes them; OPTION_JSON values are the program's. */
void options_free(const struct option *table, size_t count);
