#include "base/options_print.h"

#include <stdio.h>

#include "base/options_value.h"

static void describe_default(struct buf *out, const struct option *option)
{
    if (option->otherwise != NULL)
        buf_printf(out, "default %s", option->otherwise);
    else if (option->type == OPTION_SECRET && option->fallback != NULL)
        buf_printf(out, "has a default");
    else if (option->fallback != NULL)
        buf_printf(out, "default %s", option->fallback[0] != '\0' ? option->fallback : "empty");
    else
        buf_add_text(out, option->optional ? TEXT("optional") : TEXT("required"));
    if (option->also != NULL)
        buf_printf(out, "; also %s", option->also);
    if (option->brief != NULL)
        buf_printf(out, "; also --%s", option->brief);
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
    static const char *const values[] = {
        [OPTION_TEXT] = "=TEXT",         [OPTION_SECRET] = "=SECRET",
        [OPTION_NUMBER] = "=NUMBER",     [OPTION_FLAG] = "[=true|false]",
        [OPTION_CHOICE] = "=CHOICE",     [OPTION_DURATION] = "=DURATION",
        [OPTION_LIST] = "=WORD,...",     [OPTION_SET] = "=WORD,...",
        [OPTION_JSON] = "=JSON",
    };
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
        "  --config=FILE       read lines `name = value`, or one JSON object, from FILE (also -c,\n"
        "                      PARLEY_CONFIG)\n"
        "  --check-config      show the values in force and where they come from, or what is "
        "wrong\n"
        "  --print-defaults    show a configuration file with every option; =json and =env: in\n"
        "                      these forms\n"
        "  --version           show the version\n"
        "  --help              show this\n"
        "\nThe command line goes before the environment (PARLEY_HTTP_PORT for --http.port), that\n"
        "before the file, that before the default. Secrets are best given as a file.\n");
}

/* ---- defaults ---- */

static bool shows_default(const struct option *option)
{
    return option->fallback != NULL && option->type != OPTION_SECRET;
}

void options_print_defaults(const struct options *options)
{
    printf("# %s: every option with its default. Remove the # of what you change.\n",
           options->program);
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->table[i];
        const bool shows = shows_default(option);
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

void options_print_defaults_env(const struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->table[i];
        struct buf name = {0};

        options_variable(&name, NULL, option->name);
        printf("%s=%s\n", buf_cstring(&name), shows_default(option) ? option->fallback : "");
        buf_fini(&name);
    }
}

static bool json_word(void *context, struct text word)
{
    json_text(context, word);
    return true;
}

/* null, "not set", stands for what has no default. */
static void json_default(struct json_out *out, const struct option *option)
{
    switch (shows_default(option) ? option->type : OPTION_SECRET) {
    case OPTION_SECRET:
        json_null(out);
        break;
    case OPTION_NUMBER:
    case OPTION_FLAG:
    case OPTION_JSON:
        json_raw_value(out, text(option->fallback));
        break;
    case OPTION_LIST:
    case OPTION_SET:
        json_open(out, '[');
        CHECK(options_each_word(option->fallback, json_word, out));
        json_close(out, ']');
        break;
    case OPTION_TEXT:
    case OPTION_CHOICE:
    case OPTION_DURATION:
        json_text(out, text(option->fallback));
        break;
    }
}

static void indent(struct json_out *out, size_t depth)
{
    buf_add_byte(out->buf, '\n');
    for (size_t i = 0; i < depth; i++)
        buf_add_text(out->buf, TEXT("  "));
}

/* The next part of the name of an option below `above` ("client."); empty when it is not below. */
static struct text part_below(const struct option *option, struct text above)
{
    const struct text name = text(option->name);

    if (!text_starts(name, above))
        return (struct text){0};
    const struct text rest = text_after(name, above.len);
    return text_of(rest.at, strcspn(rest.at, "."));
}

static bool came_before(const struct options *options, size_t index, struct text above,
                        struct text part)
{
    for (size_t i = 0; i < index; i++)
        if (text_equal(part_below(&options->table[i], above), part))
            return true;
    return false;
}

/* As deep as names have dots. */
static void json_group(struct json_out *out, const struct options *options, struct text above,
                       size_t depth)
{
    bool comma = false;

    buf_add_byte(out->buf, '{');
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->table[i];
        const struct text part = part_below(option, above);
        const bool is_leaf = part.len > 0 && part.at[part.len] == '\0';
        if (part.len == 0 || came_before(options, i, above, part))
            continue;
        if (comma)
            buf_add_byte(out->buf, ',');
        indent(out, depth);
        buf_printf(out->buf, "\"%.*s\": ", TEXT_ARGS(part));
        out->comma = false;
        if (is_leaf)
            json_default(out, option);
        else
            json_group(out, options, text_of(option->name, above.len + part.len + 1), depth + 1);
        comma = true;
    }
    indent(out, depth - 1);
    buf_add_byte(out->buf, '}');
}

void options_print_defaults_json(const struct options *options)
{
    struct buf text = {0};
    struct json_out out = {.buf = &text};

    json_group(&out, options, TEXT(""), 1);
    printf("%s\n", buf_cstring(&text));
    buf_fini(&text);
}

/* ---- values ---- */

static void add_list(struct buf *out, const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", list->at[i]);
}

static void add_set(struct buf *out, const struct option *option)
{
    const unsigned bits = *(unsigned *)option->value;
    const char *between = "";

    for (unsigned i = 0; option->choices[i] != NULL; i++)
        if ((bits & 1u << i) != 0) {
            buf_printf(out, "%s%s", between, option->choices[i]);
            between = " ";
        }
}

static void add_text(struct buf *out, const char *text)
{
    buf_printf(out, "%s", text != NULL ? text : "(not set)");
}

/* On one line. `json` is valid. */
static void add_json(struct buf *out, const char *json)
{
    bool inside = false; /* a string */

    for (; *json != '\0'; json++) {
        if (inside || strchr(" \t\r\n", *json) == NULL)
            buf_add_byte(out, *json);
        if (inside && *json == '\\')
            buf_add_byte(out, *++json);
        else if (*json == '"')
            inside = !inside;
    }
}

static void add_value(struct buf *out, const struct option *option, const struct given *given)
{
    switch (option->type) {
    case OPTION_TEXT:
        add_text(out, *(char **)option->value);
        break;
    case OPTION_SECRET:
        add_text(out, *(char **)option->value != NULL ? "(set, hidden)" : NULL);
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
    case OPTION_DURATION:
        options_add_duration(out, *(int64_t *)option->value);
        break;
    case OPTION_LIST:
        add_list(out, option->value);
        break;
    case OPTION_SET:
        add_set(out, option);
        break;
    case OPTION_JSON:
        if (given->value != NULL && option->hidden)
            buf_printf(out, "(set, hidden)");
        else
            add_json(out, given->value != NULL ? given->value : option->fallback);
        break;
    }
}

void options_print_values(const struct options *options, const struct given *given)
{
    for (size_t i = 0; i < options->count; i++) {
        struct buf value = {0};
        add_value(&value, &options->table[i], &given[i]);
        printf("%s = %s  # %s\n", options->table[i].name, buf_cstring(&value),
               given[i].place != NULL ? given[i].place : "default");
        buf_fini(&value);
    }
}
