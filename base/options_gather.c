#include "base/options_gather.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/options_value.h"

#define NAME_SHOWN_MAX 120 /* bytes of a foreign name that are worth showing */

void gathering_init(struct gathering *gathering)
{
    gathering->given = xcalloc(gathering->count, sizeof(*gathering->given));
}

void gathering_fini(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->count; i++) {
        free(gathering->given[i].value);
        free(gathering->given[i].place);
    }
    free(gathering->given);
    gathering->given = NULL;
}

void options_notes_fini(struct options_notes *notes)
{
    buf_fini(&notes->foreign);
    buf_fini(&notes->unknown);
    buf_fini(&notes->error);
}

bool options_fail(struct options_notes *notes, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    if (notes->error.len > 0)
        return false;
    va_start(args, format);
    CHECK(vasprintf(&text, format, args) >= 0);
    va_end(args);
    for (char *at = text; *at != '\0'; at++)
        buf_add_byte(&notes->error, iscntrl((unsigned char)*at) ? ' ' : *at); /* one line */
    free(text);
    return false;
}

/* ---- names ---- */

static bool is_name(const char *own, struct text name, bool *is_path, enum option_type type)
{
    if (own == NULL || !text_starts(name, text(own)))
        return false;
    const struct text rest = text_after(name, strlen(own));
    *is_path = type == OPTION_SECRET && text_equal(rest, TEXT(".file"));
    return *is_path || rest.len == 0;
}

struct given *gathering_find(const struct gathering *gathering, struct text name, bool *is_path)
{
    for (size_t i = 0; i < gathering->count; i++) {
        const struct option *option = &gathering->table[i];
        if (is_name(option->name, name, is_path, option->type) ||
            is_name(option->also, name, is_path, option->type))
            return &gathering->given[i];
    }
    return NULL;
}

void given_set(struct given *given, const char *value, bool is_path, char *place)
{
    char *copy = xstrdup(value);

    free(given->value);
    free(given->place);
    *given = (struct given){.value = copy, .place = place, .is_path = is_path};
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

static bool is_at_or_below(struct text name, const char *above)
{
    const size_t len = strlen(above);

    return text_starts(name, text_of(above, len)) && (name.len == len || name.at[len] == '.');
}

static const struct option_foreign *find_foreign(const struct gathering *gathering,
                                                 struct text name)
{
    const struct option_foreign *at = gathering->foreign;

    for (; at != NULL && at->name != NULL; at++)
        if (is_at_or_below(name, at->name))
            return at;
    return NULL;
}

static bool has_foreign_below(const struct gathering *gathering, struct text name)
{
    const struct option_foreign *at = gathering->foreign;

    for (; at != NULL && at->name != NULL; at++)
        if (strlen(at->name) > name.len && text_starts(text(at->name), name) &&
            at->name[name.len] == '.')
            return true;
    return false;
}

static void note(struct buf *notes, const char *before, struct text name)
{
    if (name.len > NAME_SHOWN_MAX)
        name.len = NAME_SHOWN_MAX;
    buf_printf(notes, " %s%.*s", before, TEXT_ARGS(name));
}

/* ---- lines ---- */

static struct text trim(struct text line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.at[line.len - 1]) != NULL)
        line.len--;
    while (line.len > 0 && strchr(" \t", line.at[0]) != NULL)
        line = text_after(line, 1);
    return line;
}

static bool text_is_word(struct text value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (text_equal(value, text(*words)))
            return true;
    return false;
}

static bool note_word(struct gathering *gathering, const struct option_foreign *foreign,
                      struct text name, struct text value)
{
    static const char *const nothing[] = {"", "false", "0", "[]", "{}", NULL};

    if (text_is_word(value, nothing) ||
        (foreign->fine != NULL && text_equal(value, text(foreign->fine))))
        return true;
    if (foreign->refused)
        return options_fail(gathering->notes, "%.*s: \"%.*s\" is not supported here",
                            TEXT_ARGS(name), TEXT_ARGS(value));
    note(&gathering->notes->foreign, "", name);
    return true;
}

static bool read_line(struct gathering *gathering, struct text line, const char *path, int number)
{
    bool is_path;

    line = trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return true;
    const char *equals = memchr(line.at, '=', line.len);
    if (equals == NULL || memchr(line.at, '\0', line.len) != NULL)
        return options_fail(gathering->notes,
                            "%s:%d: expected `name = value` (or the whole file as one JSON object)",
                            path, number);
    const struct text name = trim(text_of(line.at, (size_t)(equals - line.at)));
    const struct text value = trim(text_after(line, (size_t)(equals + 1 - line.at)));
    struct given *given = gathering_find(gathering, name, &is_path);
    if (given == NULL) {
        const struct option_foreign *foreign = find_foreign(gathering, name);
        if (foreign != NULL)
            return note_word(gathering, foreign, name, value);
        note(&gathering->notes->unknown, "", name);
        return true; /* one file serves all programs */
    }
    char *copy = xstrndup(value.len > 0 ? value.at : "", value.len);
    given_set(given, copy, is_path, format_place("%s:%d", path, number));
    free(copy);
    return true;
}

static bool read_lines(struct gathering *gathering, struct text file, const char *path)
{
    for (int number = 1; file.len > 0; number++) {
        const char *end = memchr(file.at, '\n', file.len);
        const size_t len = end != NULL ? (size_t)(end - file.at) : file.len;
        if (!read_line(gathering, text_of(file.at, len), path, number))
            return false;
        file = text_after(file, end != NULL ? len + 1 : len);
    }
    return true;
}

/* ---- JSON ---- */

/* The way down to a member: "client.token" at "/etc/parley.json: client.token". */
struct trail {
    const char *place, *name; /* before the outermost names */
    struct buf path;          /* of the names since */
};

/* Does a value of a foreign name ask for something? */
static bool asks_for_something(struct json_value value, const char *fine)
{
    const struct text raw = json_raw(value);
    const enum json_kind kind = json_kind(value);
    bool flag = true;

    if (kind == JSON_ARRAY)
        return json_size(value) > 0;
    if (kind == JSON_OBJECT) {
        if (json_to_bool(json_get(value, "enabled"), &flag) && !flag)
            return false;
        for (struct json_iter it = json_iter(value); json_next(&it);)
            if (asks_for_something(it.value, NULL))
                return true;
        return false;
    }
    const struct text word = kind == JSON_STRING ? text_of(raw.at + 1, raw.len - 2) : raw;
    if (kind == JSON_NULL || word.len == 0 || text_equal(word, TEXT("false")) ||
        text_equal(word, TEXT("0")))
        return false;
    return fine == NULL || !text_equal(word, text(fine));
}

static bool note_foreign(struct gathering *gathering, const struct option_foreign *foreign,
                         const struct trail *trail, struct json_value value)
{
    const struct text name = buf_text(&trail->path);

    if (!asks_for_something(value, foreign->fine))
        return true;
    if (foreign->refused)
        return options_fail(gathering->notes, "%s%.*s: %.*s is not supported here", trail->place,
                            TEXT_ARGS(name), TEXT_ARGS(json_raw(value)));
    note(&gathering->notes->foreign, trail->name, name);
    return true;
}

static bool fail_for_kind(struct gathering *gathering, const struct option *option,
                          const struct trail *trail, struct json_value value)
{
    static const char *const kinds[] = {
        [JSON_NONE] = "nothing",     [JSON_NULL] = "null",       [JSON_BOOL] = "true or false",
        [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };
    struct buf expected = {0};

    options_describe(&expected, option);
    options_fail(gathering->notes, "%s%.*s: %s was expected, not %s", trail->place,
                 TEXT_ARGS(buf_text(&trail->path)), buf_cstring(&expected),
                 kinds[json_kind(value)]);
    buf_fini(&expected);
    return false;
}

static bool take_value(struct gathering *gathering, struct given *given, bool is_path,
                       struct trail *trail, struct json_value value)
{
    const struct option *option = &gathering->table[given - gathering->given];
    const enum json_kind kind = json_kind(value);
    struct buf plain = {0};

    if (kind == JSON_NULL)
        return true; /* as if it were not there */
    if (!options_take_kind(option->type, kind))
        return fail_for_kind(gathering, option, trail, value);
    if (kind == JSON_STRING)
        CHECK(json_to_text(value, &plain));
    else
        buf_add_text(&plain, json_raw(value));
    if (plain.len > 0 || option->type == OPTION_TEXT) { /* others cannot be empty: not set */
        given_set(given, buf_cstring(&plain), is_path,
                  format_place("%s%s", trail->place, buf_cstring(&trail->path)));
        given->is_json = true;
    }
    buf_fini(&plain);
    return true;
}

static bool read_members(struct gathering *gathering, struct json_value object,
                         struct trail *trail);

/* The members of the object are what counts, not the object itself. */
static bool is_a_way(const struct gathering *gathering, const struct given *given)
{
    const enum option_type type = gathering->table[given - gathering->given].type;

    return type == OPTION_SECRET ||
           (gathering->reads_others_files && !options_take_kind(type, JSON_OBJECT));
}

static bool read_member(struct gathering *gathering, struct json_value value, struct trail *trail)
{
    const struct text name = buf_text(&trail->path);
    const bool is_object = json_kind(value) == JSON_OBJECT;
    bool is_path;

    struct given *given = gathering_find(gathering, name, &is_path);
    if (given != NULL && !(is_object && is_a_way(gathering, given)))
        return take_value(gathering, given, is_path, trail, value);
    if (is_object && (given != NULL || has_foreign_below(gathering, name)))
        return read_members(gathering, value, trail);
    const struct option_foreign *foreign = find_foreign(gathering, name);
    if (foreign != NULL)
        return note_foreign(gathering, foreign, trail, value);
    if (is_object)
        return read_members(gathering, value, trail);
    note(&gathering->notes->unknown, trail->name, name);
    return true;
}

/* Deep as JSON_DEPTH_MAX at most. */
static bool read_members(struct gathering *gathering, struct json_value object, struct trail *trail)
{
    const size_t len = trail->path.len;

    for (struct json_iter it = json_iter(object); json_next(&it); trail->path.len = len) {
        if (len > 0)
            buf_add_byte(&trail->path, '.');
        buf_add_text(&trail->path, it.key);
        if (!read_member(gathering, it.value, trail))
            return false;
    }
    return true;
}

bool gathering_read_object(struct gathering *gathering, struct json_value object,
                           const char *place, const char *name)
{
    struct trail trail = {.place = place, .name = name};
    const bool good = read_members(gathering, object, &trail);

    buf_fini(&trail.path);
    return good;
}

static bool read_json(struct gathering *gathering, struct text file, const char *path)
{
    struct json json;
    bool good;

    if (json_parse(&json, file) == ERR_OK) {
        char *place = format_place("%s: ", path);
        good = gathering_read_object(gathering, json_root(&json), place, "");
        free(place);
    } else {
        good = options_fail(gathering->notes, "%s: not JSON: %s", path, json.why);
    }
    json_fini(&json);
    return good;
}

bool gathering_is_json(struct text file)
{
    while (file.len > 0 && strchr(" \t\r\n", file.at[0]) != NULL && file.at[0] != '\0')
        file = text_after(file, 1);
    return file.len > 0 && file.at[0] == '{';
}

bool gathering_read_file(struct gathering *gathering, struct text file, const char *path)
{
    static const char *const others[] = {".yaml", ".yml", ".toml"};
    const struct text name = text(path);

    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        if (name.len > strlen(others[i]) &&
            strcmp(path + name.len - strlen(others[i]), others[i]) == 0)
            return options_fail(gathering->notes,
                                "%s: YAML and TOML are not read: write it as JSON, or as lines "
                                "`name = value`",
                                path);
    return gathering_is_json(file) ? read_json(gathering, file, path)
                                   : read_lines(gathering, file, path);
}

/* ---- environment ---- */

static void add_capitals(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        buf_add_byte(out, *name == '.' || *name == '-' ? '_' : (char)toupper((unsigned char)*name));
}

void options_variable(struct buf *out, const char *below, const char *name)
{
    buf_add_text(out, TEXT("PARLEY_"));
    if (below != NULL) {
        add_capitals(out, below);
        buf_add_byte(out, '_');
    }
    add_capitals(out, name);
}

static void read_variable(struct given *given, struct buf *name, bool is_path)
{
    const char *value = getenv(buf_cstring(name));

    if (value != NULL && value[0] != '\0')
        given_set(given, value, is_path, xstrdup(buf_cstring(name)));
}

static void read_variables(struct given *given, const char *below, const char *option,
                           enum option_type type)
{
    struct buf name = {0};

    if (option == NULL)
        return;
    options_variable(&name, below, option);
    read_variable(given, &name, false);
    if (type == OPTION_SECRET) {
        buf_printf(&name, "_FILE");
        read_variable(given, &name, true);
    }
    buf_fini(&name);
}

void gathering_read_environment(struct gathering *gathering, const char *below)
{
    for (size_t i = 0; i < gathering->count; i++) {
        const struct option *option = &gathering->table[i];
        read_variables(&gathering->given[i], below, option->also, option->type);
        read_variables(&gathering->given[i], below, option->name, option->type);
    }
}

/* Is the variable `set` that of `name`, or of something below it? */
static bool is_variable(struct text set, const char *name, bool below)
{
    struct buf variable = {0};

    if (name == NULL)
        return false;
    options_variable(&variable, NULL, name);
    const bool is =
        text_starts(set, buf_text(&variable)) &&
        (set.len == variable.len || (below && set.at[variable.len] == '_'));
    buf_fini(&variable);
    return is;
}

static bool is_own_variable(const struct gathering *gathering, struct text set)
{
    for (size_t i = 0; i < gathering->count; i++) {
        const struct option *option = &gathering->table[i];
        const bool below = option->type == OPTION_SECRET || option->type == OPTION_JSON;
        if (is_variable(set, option->name, below) || is_variable(set, option->also, below))
            return true;
    }
    return false;
}

static bool note_variable(struct gathering *gathering, struct text set, struct text value)
{
    const struct option_foreign *at = gathering->foreign;

    while (at != NULL && at->name != NULL && !is_variable(set, at->name, true))
        at++;
    if (at == NULL || at->name == NULL || is_own_variable(gathering, set))
        return true;
    return note_word(gathering, at, set, value);
}

bool gathering_note_environment(struct gathering *gathering)
{
    for (char **variable = environ; *variable != NULL; variable++) {
        const char *equals = strchr(*variable, '=');
        if (strncmp(*variable, "PARLEY_", 7) == 0 && equals != NULL &&
            !note_variable(gathering, text_of(*variable, (size_t)(equals - *variable)),
                           text(equals + 1)))
            return false;
    }
    return true;
}
