#include "base/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/options_gather.h"
#include "base/options_print.h"
#include "base/version.h"

#define FILE_MAX_BYTES  (4 << 20)
#define EXIT_BAD_OPTION 2

enum action {
    ACTION_RUN,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_DEFAULTS,
    ACTION_DEFAULTS_JSON,
    ACTION_DEFAULTS_ENV,
    ACTION_CHECK,
};

struct loader {
    struct options *options;
    struct gathering gathering;
    struct options_notes notes;
    const char *config_path;
    bool file_is_json;
    enum action action;
};

static _Noreturn void stop(const struct loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void stop(const struct loader *loader, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "%s: ", loader->options->program);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_BAD_OPTION);
}

static void stop_unless(struct loader *loader, bool good)
{
    if (!good)
        stop(loader, "%s", buf_cstring(&loader->notes.error));
}

/* ---- the file ---- */

static void read_bytes(struct loader *loader, struct buf *bytes)
{
    FILE *file = fopen(loader->config_path, "re");
    size_t count;

    if (file == NULL)
        stop(loader, "cannot open %s: %s", loader->config_path, strerror(errno));
    do {
        count = fread(buf_reserve(bytes, BUFSIZ), 1, BUFSIZ, file);
        bytes->len += count;
    } while (count > 0 && bytes->len <= FILE_MAX_BYTES);
    if (ferror(file))
        stop(loader, "cannot read %s: %s", loader->config_path, strerror(errno));
    if (bytes->len > FILE_MAX_BYTES)
        stop(loader, "%s is larger than %d bytes", loader->config_path, FILE_MAX_BYTES);
    fclose(file);
}

static void read_file(struct loader *loader)
{
    struct buf bytes = {0};

    if (loader->config_path == NULL || loader->config_path[0] == '\0')
        return;
    read_bytes(loader, &bytes);
    loader->file_is_json = gathering_is_json(buf_text(&bytes));
    stop_unless(loader,
                gathering_read_file(&loader->gathering, buf_text(&bytes), loader->config_path));
    buf_fini(&bytes);
}

/* A line each, however many names there are. */
static void print_notes(struct loader *loader)
{
    struct options_notes *notes = &loader->notes;
    const char *program = loader->options->program;

    if (notes->foreign.len != 0)
        fprintf(stderr, "%s: known to %s but not supported here, ignored:%s\n", program,
                loader->options->product, buf_cstring(&notes->foreign));
    if (loader->options->reads_others_files)
        buf_reset(&notes->unknown);
    if (notes->unknown.len != 0 && loader->file_is_json)
        fprintf(stderr, "%s: %s: unknown, ignored:%s\n", program, loader->config_path,
                buf_cstring(&notes->unknown));
    else if (notes->unknown.len != 0)
        fprintf(stderr, "%s: %s: not options of this program, ignored:%s\n", program,
                loader->config_path != NULL ? loader->config_path : "environment",
                buf_cstring(&notes->unknown));
    buf_fini(&notes->foreign);
    buf_fini(&notes->unknown);
}

/* ---- the command line ---- */

static bool take_action(struct loader *loader, const char *word)
{
    static const struct {
        const char *name;
        enum action action;
    } actions[] = {
        {"help", ACTION_HELP},
        {"version", ACTION_VERSION},
        {"print-defaults", ACTION_DEFAULTS},
        {"print-defaults=json", ACTION_DEFAULTS_JSON},
        {"print-defaults=env", ACTION_DEFAULTS_ENV},
        {"check-config", ACTION_CHECK},
    };
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++)
        if (strcmp(word, actions[i].name) == 0) {
            loader->action = actions[i].action;
            return true;
        }
    return false;
}

static struct given *find_brief(const struct loader *loader, struct text name)
{
    for (size_t i = 0; i < loader->options->count; i++) {
        const char *brief = loader->options->table[i].brief;
        if (brief != NULL && text_equal(name, text(brief)))
            return &loader->gathering.given[i];
    }
    return NULL;
}

static struct given *find(const struct loader *loader, struct text name, bool *is_path)
{
    struct given *given = gathering_find(&loader->gathering, name, is_path);

    if (given == NULL && (given = find_brief(loader, name)) == NULL)
        stop(loader, "--%.*s: there is no such option; see --help", TEXT_ARGS(name));
    return given;
}

static enum option_type type_of(const struct loader *loader, const struct given *given)
{
    return loader->options->table[given - loader->gathering.given].type;
}

/* One `--name`, `--name=value` or `--name value`; returns how many words that were. */
static int read_argument(struct loader *loader, const char *word, const char *next)
{
    const struct text name = text_of(word + 2, strcspn(word + 2, "="));
    const char *value = word[2 + name.len] == '=' ? word + 2 + name.len + 1 : NULL;
    bool is_path = false;
    int words = 1;

    if (take_action(loader, word + 2))
        return 1;
    const bool is_config = text_equal(name, TEXT("config"));
    struct given *given = is_config ? NULL : find(loader, name, &is_path);
    if (value == NULL && given != NULL && type_of(loader, given) == OPTION_FLAG) {
        value = "true"; /* a flag never takes the next word */
    } else if (value == NULL) {
        if (next == NULL)
            stop(loader, "--%.*s needs a value: --%.*s=...", TEXT_ARGS(name), TEXT_ARGS(name));
        value = next;
        words = 2;
    }
    if (is_config) {
        loader->config_path = value;
    } else {
        struct buf place = {0};
        buf_printf(&place, "--%.*s", TEXT_ARGS(name));
        given_set(given, value, is_path, xstrdup(buf_cstring(&place)));
        buf_fini(&place);
    }
    return words;
}

static const char *spell_out(const char *word)
{
    if (strcmp(word, "-h") == 0)
        return "--help";
    return strcmp(word, "-c") == 0 ? "--config" : word;
}

/* Run twice: first for --config, --help and errors, and last, as the command line overrules all. */
static void read_arguments(struct loader *loader, int argc, char **argv)
{
    struct options *options = loader->options;
    int i;

    free(options->operands);
    options->operands = xcalloc((size_t)argc + 1, sizeof(*options->operands));
    options->operand_count = 0;
    for (i = 1; i < argc && strcmp(argv[i], "--") != 0;) {
        const char *word = spell_out(argv[i]);
        if (strncmp(word, "--", 2) == 0)
            i += read_argument(loader, word, i + 1 < argc ? argv[i + 1] : NULL);
        else if (word[0] == '-' && word[1] != '\0')
            stop(loader, "%s: there is no such option; see --help", word);
        else
            options->operands[options->operand_count++] = argv[i++];
    }
    for (i++; i < argc; i++) /* behind "--" */
        options->operands[options->operand_count++] = argv[i];
    if (options->operand_count > 0 && !options->takes_operands)
        stop(loader, "\"%s\" is no option; see --help", options->operands[0]);
}

/* ---- answers ---- */

static _Noreturn void finish(void)
{
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void answer_without_values(const struct loader *loader)
{
    switch (loader->action) {
    case ACTION_HELP:
        options_print_help(loader->options);
        break;
    case ACTION_VERSION:
        printf("%s %s\n", loader->options->program, PARLEY_VERSION);
        break;
    case ACTION_DEFAULTS:
        options_print_defaults(loader->options);
        break;
    case ACTION_DEFAULTS_JSON:
        options_print_defaults_json(loader->options);
        break;
    case ACTION_DEFAULTS_ENV:
        options_print_defaults_env(loader->options);
        break;
    case ACTION_RUN:
    case ACTION_CHECK:
        return;
    }
    finish();
}

void options_load(struct options *options, int argc, char **argv)
{
    static struct loader loader; /* static: what it owns is no leak when we exit halfway */

    loader = (struct loader){
        .options = options,
        .gathering = {.reads_others_files = options->reads_others_files,
                      .table = options->table,
                      .count = options->count,
                      .foreign = options->foreign,
                      .notes = &loader.notes,
                      .program = options->program},
        .config_path = getenv("PARLEY_CONFIG"),
    };
    gathering_init(&loader.gathering);
    read_arguments(&loader, argc, argv);
    answer_without_values(&loader);
    read_file(&loader);
    gathering_read_environment(&loader.gathering, NULL);
    stop_unless(&loader, gathering_note_environment(&loader.gathering));
    read_arguments(&loader, argc, argv);

    stop_unless(&loader, gathering_apply(&loader.gathering));
    stop_unless(&loader, options->check == NULL || options->check(options->context, &loader.notes));
    print_notes(&loader);
    if (loader.action == ACTION_CHECK) {
        options_print_values(options, loader.gathering.given);
        finish();
    }
    gathering_fini(&loader.gathering);
}
