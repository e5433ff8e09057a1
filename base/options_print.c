#include "base/options_print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void options_variable(struct buf *out, const struct option *option)
{
    buf_add_text(out, TEXT("PARLEY_"));
    for (const char *at = option->name; *at != '\0'; at++)
        buf_add_byte(out, *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at));
}

static void describe_number(struct buf *out, const struct option *option)
{
    buf_printf(out, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
    if (option->unit != NULL)
        buf_printf(out, " (%s)", option->unit);
}

static void describe_choice(struct buf *out, const struct option *option)
{
    buf_printf(out, "one of: ");
    for (const char *const *choice = option->choices; *choice != NULL; choice++)
        buf_printf(out, "%s%s", choice == option->choices ? "" : ", ", *choice);
}

void options_describe(struct buf *out, const struct option *option)
{
    switch (option->type) {
    case OPTION_TEXT:
        buf_printf(out, "a text");
        break;
    case OPTION_SECRET:
        buf_printf(out, "a secret, or %s.file with the file it is in", option->name);
        break;
    case OPTION_NUMBER:
        describe_number(out, option);
        break;
    case OPTION_FLAG:
        buf_printf(out, "true or false");
        break;
    case OPTION_CHOICE:
        describe_choice(out, option);
        break;
    }
}

static void describe_default(struct buf *out, const struct option *option)
{
    if (option->type == OPTION_SECRET && option->fallback != NULL)
        buf_printf(out, "has a default");
    else if (option->fallback != NULL)
        buf_printf(out, "default %s", option->fallback[0] != '\0' ? option->fallback : "empty");
    else
        buf_add_text(out, option->optional ? TEXT("optional") : TEXT("required"));
}

/* The part of a name before its first dot; all of it when there is none. */
static struct text group_of(const struct option *option)
{
    return text_of(option->name, strcspn(option->name, "."));
}

static bool starts_group(const struct options *options, size_t index)
{
    return index == 0 ||
           !text_equal(group_of(&options->table[index]), group_of(&options->table[index - 1]));
}

static void help_option(const struct option *option)
{
    static const char *const values[] = {[OPTION_TEXT] = "=TEXT",
                                         [OPTION_SECRET] = "=SECRET",
                                         [OPTION_NUMBER] = "=NUMBER",
                                         [OPTION_FLAG] = "[=true|false]",
                                         [OPTION_CHOICE] = "=CHOICE"};
    struct buf about = {0};

    options_describe(&about, option);
    buf_printf(&about, "; ");
    describe_default(&about, option);
    printf("  --%s%s\n        %s\n        %s\n", option->name, values[option->type], option->help,
           buf_cstring(&about));
    buf_fini(&about);
}

void options_print_help(const struct options *options)
{
    printf("%s\n\nUsage: %s [--name=value ...]%s\n", options->summary, options->program,
           options->takes_operands ? " [word ...]" : "");
    for (size_t i = 0; i < options->count; i++) {
        const struct text group = group_of(&options->table[i]);
        if (starts_group(options, i))
            printf("\n%.*s\n", TEXT_ARGS(group));
        help_option(&options->table[i]);
    }
    printf(
        "\nabout the options\n"
        "  --config=FILE       read lines `name = value` from FILE (also PARLEY_CONFIG)\n"
        "  --check-config      show the values in force and where they come from, or what is "
        "wrong\n"
        "  --print-defaults    show a configuration file with every option\n"
        "  --version           show the version\n"
        "  --help              show this\n"
        "\nThe command line goes before the environment (PARLEY_HTTP_PORT for --http.port), that\n"
        "before the file, that before the default. Secrets are best given as a file.\n");
}

void options_print_defaults(const struct options *options)
{
    printf("# %s: every option with its default. Remove the # of what you change.\n",
           options->program);
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->table[i];
        const bool shows = option->fallback != NULL && option->type != OPTION_SECRET;
        struct buf about = {0};

        options_describe(&about, option);
        if (!shows) {
            buf_printf(&about, "; ");
            describe_default(&about, option);
        }
        printf("\n# %s\n# %s\n#%s = %s\n", option->help, buf_cstring(&about), option->name,
               shows ? option->fallback : "");
        buf_fini(&about);
    }
}

static void add_value(struct buf *out, const struct option *option)
{
    const char *text_value;

    switch (option->type) {
    case OPTION_TEXT:
        text_value = *(char **)option->value;
        buf_printf(out, "%s", text_value != NULL ? text_value : "(not set)");
        break;
    case OPTION_SECRET:
        buf_printf(out, "%s", *(char **)option->value != NULL ? "(set, hidden)" : "(not set)");
        break;
    case OPTION_NUMBER:
        buf_add_i64(out, *(int64_t *)option->value);
        break;
    case OPTION_FLAG:
        buf_printf(out, "%s", *(bool *)option->value ? "true" : "false");
        break;
    case OPTION_CHOICE:
        buf_printf(out, "%s", option->choices[*(int *)option->value]);
        break;
    }
}

void options_print_values(const struct options *options, const char *const *places)
{
    for (size_t i = 0; i < options->count; i++) {
        struct buf value = {0};
        add_value(&value, &options->table[i]);
        printf("%s = %s  # %s\n", options->table[i].name, buf_cstring(&value),
               places[i] != NULL ? places[i] : "default");
        buf_fini(&value);
    }
}
