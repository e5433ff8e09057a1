/*
 * options: one table says everything about a program's settings: name, type, unit, range, default,
 * help. From it come the command line, the environment, the file, --help, --check-config,
 * --print-defaults.
 *
 * A value is looked for in this order: command line `--http.port=8000` or `--http.port 8000`,
 * environment `PARLEY_HTTP_PORT` (dots and dashes become underscores; an empty one counts as not
 * set), file
 * (`http.port = 8000` a line, `#` begins a line of comment, named by --config or PARLEY_CONFIG),
 * default. A bad value, and an unknown name on the command line, stop the start with one clear
 * line. Unknown names in the file get a warning and in the environment nothing: one file and one
 * environment serve all programs. Once per process, before threads start.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

enum option_type {
    OPTION_TEXT,   /* char * */
    OPTION_SECRET, /* char *, not empty; never printed. `--x.file=path`, PARLEY_X_FILE and `x.file =
                      path` read it from a file (at most 64 KiB, newlines at its end cut off) */
    OPTION_NUMBER, /* int64_t, between min and max */
    OPTION_FLAG,   /* bool: true/false/yes/no/1/0; bare --name = true */
    OPTION_CHOICE, /* int: index in `choices` */
};

struct option {
    const char *name; /* "http.port" */
    enum option_type type;
    void *value;                /* where the result goes; texts are allocated and never freed */
    const char *fallback;       /* default as text; NULL = required unless `optional` */
    const char *unit;           /* "ms", "bytes", "connections"; NULL when there is none */
    int64_t min, max;           /* OPTION_NUMBER; OPTION_SECRET: `min` = fewest bytes */
    const char *const *choices; /* OPTION_CHOICE, NULL at the end */
    bool optional;              /* without a fallback: `value` may stay as it is */
    const char *help;           /* one sentence */
};

struct options {
    const char *program;  /* "parley-api" */
    const char *summary;  /* first lines of --help */
    struct option *table; /* `count` entries */
    size_t count;
    bool takes_operands; /* else a word that is no option stops the start */
    char **operands;     /* out: the words that are no options, in order */
    int operand_count;
};

/*
 * Fills all values. Answers --help, --version, --print-defaults (a file with every option, its help
 * and its default, commented out) and --check-config (values in force, secrets hidden, exit 0 or 2)
 * itself and exits. On a bad value: one line on standard error naming the place and the allowed
 * range, exit status 2.
 */
void options_load(struct options *options, int argc, char **argv);
