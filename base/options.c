#include "base/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/options_print.h"
#include "base/text.h"
#include "base/version.h"

#define SECRET_FILE_MAX_BYTES 65536
#define EXIT_BAD_OPTION       2

/* What somebody gave for one option; `value` NULL = nobody did. Later sources overwrite earlier
 * ones. */
struct given {
    char *value;
    char *place;  /* "--http.port", "PARLEY_HTTP_PORT", "/etc/parley.conf:3" */
    bool is_path; /* of a secret's file */
};

enum action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_DEFAULTS, ACTION_CHECK };

struct loader {
    struct options *options;
    struct given *given; /* one for each option */
    const char *config_path;
    enum action action;
    struct buf unknown;  /* names in the file that are other programs' */
    struct buf expected; /* what a bad value should have been */
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

/* ---- collecting what was given, least important source first ---- */

/* The given of option `name`; NULL when there is none. "x.file" is option "x" if that is a secret.
 */
static struct given *find(const struct loader *loader, struct text name, bool *is_path)
{
    for (size_t i = 0; i < loader->options->count; i++) {
        const struct option *option = &loader->options->table[i];
        const struct text own = text(option->name);
        *is_path = option->type == OPTION_SECRET && text_starts(name, own) &&
                   text_equal(text_after(name, own.len), TEXT(".file"));
        if (*is_path || text_equal(name, own))
            return &loader->given[i];
    }
    return NULL;
}

static const struct option *option_of(const struct loader *loader, const struct given *given)
{
    return &loader->options->table[given - loader->given];
}

static void set(struct given *given, const char *value, bool is_path, char *place)
{
    free(given->value);
    free(given->place);
    *given = (struct given){xstrdup(value), place, is_path};
}

static char *format_place(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *format_place(const char *format, ...)
{
    char *place = NULL;
    va_list args;
    va_start(args, format);
    CHECK(vasprintf(&place, format, args) >= 0);
    va_end(args);
    return place;
}

static struct text trim(struct text line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.at[line.len - 1]) != NULL)
        line.len--;
    while (line.len > 0 && strchr(" \t", line.at[0]) != NULL)
        line = text_after(line, 1);
    return line;
}

static void read_line(struct loader *loader, struct text line, int number)
{
    bool is_path;

    line = trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return;
    const char *equals = memchr(line.at, '=', line.len);
    if (equals == NULL || memchr(line.at, '\0', line.len) != NULL)
        stop(loader, "%s:%d: expected `name = value`", loader->config_path, number);
    const struct text name = trim(text_of(line.at, (size_t)(equals - line.at)));
    const struct text value = trim(text_after(line, (size_t)(equals + 1 - line.at)));
    struct given *given = find(loader, name, &is_path);
    if (given == NULL) {
        buf_printf(&loader->unknown, " %.*s", TEXT_ARGS(name));
        return; /* one file serves all programs */
    }
    char *copy = xstrndup(value.at, value.len);
    set(given, copy, is_path, format_place("%s:%d", loader->config_path, number));
    free(copy);
}

static void read_file(struct loader *loader)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    FILE *file = fopen(loader->config_path, "re");
    if (file == NULL)
        stop(loader, "cannot open %s: %s", loader->config_path, strerror(errno));
    for (int number = 1; (len = getline(&line, &cap, file)) >= 0; number++)
        read_line(loader, text_of(line, (size_t)len), number);
    if (ferror(file))
        stop(loader, "cannot read %s: %s", loader->config_path, strerror(errno));
    fclose(file);
    free(line);
    if (loader->unknown.len != 0)
        fprintf(stderr, "%s: %s: not options of this program, ignored:%s\n",
                loader->options->program, loader->config_path, buf_cstring(&loader->unknown));
    buf_fini(&loader->unknown);
}

static void read_variable(struct given *given, struct buf *name, bool is_path)
{
    const char *value = getenv(buf_cstring(name));
    if (value != NULL && value[0] != '\0')
        set(given, value, is_path, xstrdup(buf_cstring(name)));
}

/* Only names of the table are asked for: several programs share the environment. */
static void read_environment(struct loader *loader)
{
    for (size_t i = 0; i < loader->options->count; i++) {
        const struct option *option = &loader->options->table[i];
        struct buf name = {0};

        options_variable(&name, option);
        read_variable(&loader->given[i], &name, false);
        if (option->type == OPTION_SECRET) {
            buf_printf(&name, "_FILE");
            read_variable(&loader->given[i], &name, true);
        }
        buf_fini(&name);
    }
}

static bool take_action(struct loader *loader, struct text name)
{
    static const struct {
        const char *name;
        enum action action;
    } actions[] = {
        {"help", ACTION_HELP},
        {"version", ACTION_VERSION},
        {"print-defaults", ACTION_DEFAULTS},
        {"check-config", ACTION_CHECK},
    };
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++)
        if (text_equal(name, text(actions[i].name))) {
            loader->action = actions[i].action;
            return true;
        }
    return false;
}

/* One `--name`, `--name=value` or `--name value`; returns how many words that were. */
static int read_argument(struct loader *loader, const char *word, const char *next)
{
    const struct text name = text_of(word + 2, strcspn(word + 2, "="));
    const char *value = word[2 + name.len] == '=' ? word + 2 + name.len + 1 : NULL;
    bool is_path = false;
    int words = 1;

    if (value == NULL && take_action(loader, name))
        return 1;
    const bool is_config = text_equal(name, TEXT("config"));
    struct given *given = is_config ? NULL : find(loader, name, &is_path);
    if (!is_config && given == NULL)
        stop(loader, "--%.*s: there is no such option; see --help", TEXT_ARGS(name));
    if (value == NULL && given != NULL && option_of(loader, given)->type == OPTION_FLAG) {
        value = "true"; /* a flag never takes the next word */
    } else if (value == NULL) {
        if (next == NULL)
            stop(loader, "--%.*s needs a value: --%.*s=...", TEXT_ARGS(name), TEXT_ARGS(name));
        value = next;
        words = 2;
    }
    if (is_config)
        loader->config_path = value;
    else
        set(given, value, is_path, format_place("--%.*s", TEXT_ARGS(name)));
    return words;
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
        const char *word = strcmp(argv[i], "-h") == 0 ? "--help" : argv[i];
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

/* ---- turning it into values ---- */

static char *read_secret(const struct loader *loader, const struct given *given)
{
    char bytes[SECRET_FILE_MAX_BYTES + 1];
    struct stat about;

    FILE *file = fopen(given->value, "re");
    if (file == NULL || fstat(fileno(file), &about) != 0)
        stop(loader, "%s: cannot open %s: %s", given->place, given->value, strerror(errno));
    if ((about.st_mode & S_IROTH) != 0)
        fprintf(stderr, "%s: warning: everybody on this machine may read %s; chmod 600 it\n",
                loader->options->program, given->value);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    if (ferror(file))
        stop(loader, "%s: cannot read %s: %s", given->place, given->value, strerror(errno));
    fclose(file);
    if (len > SECRET_FILE_MAX_BYTES || memchr(bytes, '\0', len) != NULL)
        stop(loader, "%s: %s is too long or has NUL bytes", given->place, given->value);
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    return xstrndup(bytes, len);
}

static bool parse_number(const struct option *option, const char *value)
{
    char *end;

    if (value[0] != '-' && (value[0] < '0' || value[0] > '9'))
        return false; /* strtoll() would skip spaces */
    errno = 0;
    const long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < option->min || number > option->max)
        return false;
    *(int64_t *)option->value = number;
    return true;
}

static bool parse_flag(const struct option *option, const char *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};

    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (strcasecmp(value, words[i]) == 0) {
            *(bool *)option->value = i % 2 == 1;
            return true;
        }
    return false;
}

static bool parse_choice(const struct option *option, const char *value)
{
    for (int i = 0; option->choices[i] != NULL; i++)
        if (strcmp(value, option->choices[i]) == 0) {
            *(int *)option->value = i;
            return true;
        }
    return false;
}

static bool parse(const struct option *option, const char *value)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
        if (option->type == OPTION_SECRET && (value[0] == '\0' || (int64_t)strlen(value) < option->min))
            return false;
        *(char **)option->value = xstrdup(value);
        return true;
    case OPTION_NUMBER:
        return parse_number(option, value);
    case OPTION_FLAG:
        return parse_flag(option, value);
    case OPTION_CHOICE:
        return parse_choice(option, value);
    }
    return false;
}

static _Noreturn void stop_for_value(struct loader *loader, const struct option *option)
{
    const struct given *given = &loader->given[option - loader->options->table];

    if (option->type == OPTION_SECRET && given->value[0] == '\0')
        stop(loader, "%s: %s is empty", given->place, option->name);
    if (option->type == OPTION_SECRET)
        stop(loader, "%s: %s is too short to be a secret: at least %lld bytes", given->place, option->name,
             (long long)option->min);
    options_describe(&loader->expected, option);
    stop(loader, "%s: \"%s\" is no value for %s, which is %s", given->place, given->value,
         option->name, buf_cstring(&loader->expected));
}

static void take_value(struct loader *loader, size_t index)
{
    const struct option *option = &loader->options->table[index];
    struct given *given = &loader->given[index];

    if (given->value == NULL) {
        if (option->fallback != NULL)
            CHECK(parse(option, option->fallback)); /* the table itself is wrong */
        else if (!option->optional)
            stop(loader, "%s is required; see --help", option->name);
        return;
    }
    if (given->is_path) {
        char *secret = read_secret(loader, given);
        free(given->value);
        given->value = secret;
    }
    if (!parse(option, given->value))
        stop_for_value(loader, option);
}

static _Noreturn void finish(void)
{
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void answer_without_values(const struct loader *loader)
{
    if (loader->action == ACTION_HELP)
        options_print_help(loader->options);
    else if (loader->action == ACTION_VERSION)
        printf("%s %s\n", loader->options->program, PARLEY_VERSION);
    else if (loader->action == ACTION_DEFAULTS)
        options_print_defaults(loader->options);
    else
        return;
    finish();
}

static _Noreturn void answer_check(const struct loader *loader)
{
    const size_t count = loader->options->count;
    const char **places = xcalloc(count, sizeof(*places));

    for (size_t i = 0; i < count; i++)
        places[i] = loader->given[i].place;
    options_print_values(loader->options, places);
    free(places);
    finish();
}

void options_load(struct options *options, int argc, char **argv)
{
    static struct loader loader; /* static: what it owns is no leak when we exit halfway */

    loader = (struct loader){
        .options = options,
        .given = xcalloc(options->count, sizeof(*loader.given)),
        .config_path = getenv("PARLEY_CONFIG"),
    };
    read_arguments(&loader, argc, argv);
    answer_without_values(&loader);
    if (loader.config_path != NULL && loader.config_path[0] != '\0')
        read_file(&loader);
    read_environment(&loader);
    read_arguments(&loader, argc, argv);

    for (size_t i = 0; i < options->count; i++)
        take_value(&loader, i);
    if (loader.action == ACTION_CHECK)
        answer_check(&loader);

    for (size_t i = 0; i < options->count; i++) {
        free(loader.given[i].value);
        free(loader.given[i].place);
    }
    free(loader.given);
    loader.given = NULL;
}
