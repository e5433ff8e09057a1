#include "base/options_gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/options_value.h"

#define SECRET_FILE_MAX_BYTES 65536

/* ---- secrets in files ---- */

static char *read_open_secret(struct gathering *gathering, const struct given *given, FILE *file)
{
    char bytes[SECRET_FILE_MAX_BYTES + 1];
    size_t len = fread(bytes, 1, sizeof(bytes), file);

    if (ferror(file)) {
        options_fail(gathering->notes, "%s: cannot read %s: %s", given->place, given->value,
                     strerror(errno));
        return NULL;
    }
    if (len > SECRET_FILE_MAX_BYTES || memchr(bytes, '\0', len) != NULL) {
        options_fail(gathering->notes, "%s: %s is too long or has NUL bytes", given->place,
                     given->value);
        return NULL;
    }
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    return xstrndup(bytes, len);
}

static bool replace_by_content(struct gathering *gathering, struct given *given)
{
    struct stat about;
    FILE *file = fopen(given->value, "re");

    if (file == NULL || fstat(fileno(file), &about) != 0) {
        options_fail(gathering->notes, "%s: cannot open %s: %s", given->place, given->value,
                     strerror(errno));
        if (file != NULL)
            fclose(file);
        return false;
    }
    if ((about.st_mode & S_IROTH) != 0 && gathering->program != NULL)
        fprintf(stderr, "%s: warning: everybody on this machine may read %s; chmod 600 it\n",
                gathering->program, given->value);
    char *secret = read_open_secret(gathering, given, file);
    fclose(file);
    if (secret == NULL)
        return false;
    free(given->value);
    given->value = secret;
    return true;
}

/* ---- JSON ---- */

static bool add_name(void *context, struct text word)
{
    struct json_out *out = context;

    json_open(out, '{');
    json_key_text(out, "name", word);
    json_close(out, '}');
    return true;
}

/* "chat news" -> [{"name":"chat"},{"name":"news"}] */
static bool replace_names(struct given *given)
{
    struct buf list = {0};
    struct json_out out = {.buf = &list};

    json_open(&out, '[');
    const bool good = options_each_word(given->value, add_name, &out);
    json_close(&out, ']');
    if (good) {
        free(given->value);
        given->value = xstrdup(buf_cstring(&list));
    }
    buf_fini(&list);
    return good;
}

static bool read_json(struct gathering *gathering, const struct option *option,
                      struct given *given)
{
    const enum json_kind kind = option->fallback[0] == '{' ? JSON_OBJECT : JSON_ARRAY;
    const struct option_place place = {given->place, option->name};
    struct json json;
    bool good = false;

    if (option->named && strchr("[{", given->value[0]) == NULL && !replace_names(given))
        return options_fail(gathering->notes, "%s: no list of names", given->place);
    if (json_parse(&json, text(given->value)) != ERR_OK)
        options_fail(gathering->notes, "%s: not JSON: %s", given->place, json.why);
    else if (json_kind(json_root(&json)) != kind)
        options_fail(gathering->notes, "%s: a JSON %s was expected", given->place,
                     kind == JSON_OBJECT ? "object" : "array");
    else
        good = option->read(option->value, json_root(&json), place, gathering->notes);
    json_fini(&json);
    return good;
}

/* ---- values ---- */

static bool fail_for_value(struct gathering *gathering, const struct option *option,
                           const struct given *given)
{
    struct buf expected = {0};

    if (option->type == OPTION_SECRET && given->value[0] == '\0')
        return options_fail(gathering->notes, "%s: %s is empty", given->place, option->name);
    if (option->type == OPTION_SECRET)
        return options_fail(gathering->notes,
                            "%s: %s is too short to be a secret: at least %lld bytes",
                            given->place, option->name, (long long)option->min);
    options_describe(&expected, option);
    if (given->is_json)
        options_fail(gathering->notes, "%s: %s was expected, not %.100s", given->place,
                     buf_cstring(&expected), given->value);
    else
        options_fail(gathering->notes, "%s: \"%s\" is no value for %s, which is %s", given->place,
                     given->value, option->name, buf_cstring(&expected));
    buf_fini(&expected);
    return false;
}

static bool apply(struct gathering *gathering, const struct option *option, struct given *given)
{
    if (given->value == NULL) {
        if (option->type == OPTION_JSON)
            return true; /* empty */
        if (option->fallback != NULL)
            CHECK(options_parse(option, option->fallback)); /* the table itself is wrong */
        return true;
    }
    if (given->is_path && !replace_by_content(gathering, given))
        return false;
    if (option->type == OPTION_JSON)
        return read_json(gathering, option, given);
    return options_parse(option, given->value) || fail_for_value(gathering, option, given);
}

bool gathering_apply(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->count; i++) {
        const struct option *option = &gathering->table[i];
        struct given *given = &gathering->given[i];
        if (given->value == NULL && option->fallback == NULL && !option->optional)
            return options_fail(gathering->notes, "%s%s is required; see --help",
                                gathering->place != NULL ? gathering->place : "", option->name);
        if (!apply(gathering, option, given))
            return false;
    }
    return true;
}

bool options_read_object(const struct options_object *object, struct json_value json,
                         struct options_notes *notes)
{
    struct gathering gathering = {.table = object->table,
                                  .count = object->count,
                                  .foreign = object->foreign,
                                  .notes = notes};
    struct buf place = {0}, name = {0};
    bool good;

    buf_printf(&place, "%s.", object->place.place);
    buf_printf(&name, "%s.", object->place.name);
    gathering.place = buf_cstring(&place);
    gathering_init(&gathering);
    if (json_kind(json) != JSON_OBJECT) {
        good = options_fail(notes, "%s: an object was expected", object->place.place);
    } else {
        good = gathering_read_object(&gathering, json, buf_cstring(&place), buf_cstring(&name));
        if (good && object->variable != NULL)
            gathering_read_environment(&gathering, object->variable);
        good = good && gathering_apply(&gathering);
    }
    gathering_fini(&gathering);
    buf_fini(&place);
    buf_fini(&name);
    return good;
}

bool options_read(struct options *options, struct text file, const char *path,
                  struct options_notes *notes)
{
    struct gathering gathering = {.table = options->table,
                                  .count = options->count,
                                  .foreign = options->foreign,
                                  .notes = notes};

    gathering_init(&gathering);
    const bool good = gathering_read_file(&gathering, file, path) && gathering_apply(&gathering) &&
                      (options->check == NULL || options->check(options->context, notes));
    gathering_fini(&gathering);
    return good;
}
