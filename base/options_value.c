#include "base/options_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#define NS_PER_MS 1000000

/* ---- durations, as Go's time.ParseDuration() reads them ---- */

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    /* "ms" before "m" */
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000},
    {"ms", NS_PER_MS},
    {"s", 1000 * (int64_t)NS_PER_MS},
    {"m", 60000 * (int64_t)NS_PER_MS},
    {"h", 3600000 * (int64_t)NS_PER_MS},
};

static bool take_digits(const char **at, int64_t *number)
{
    const char *start = *at;

    for (*number = 0; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, **at - '0', number))
            return false;
    return *at > start;
}

/* "1.5h": a number, perhaps with a fraction, and its unit; adds it to `ns`. */
static bool take_part(const char **at, int64_t *ns)
{
    int64_t whole, fraction = 0, scale = 1, part;

    if (!take_digits(at, &whole))
        return false;
    if (**at == '.')
        for ((*at)++; **at >= '0' && **at <= '9'; (*at)++)
            if (scale < NS_PER_MS) { /* finer is lost anyway */
                fraction = 10 * fraction + (**at - '0');
                scale *= 10;
            }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++)
        if (strncmp(*at, units[i].name, strlen(units[i].name)) == 0) {
            *at += strlen(units[i].name);
            if (__builtin_mul_overflow(whole, units[i].ns, &part) ||
                __builtin_add_overflow(part, units[i].ns / scale * fraction, &part))
                return false;
            return !__builtin_add_overflow(*ns, part, ns);
        }
    return false;
}

static bool parse_duration(const struct option *option, const char *text)
{
    const bool negative = text[0] == '-';
    const char *at = text + (negative || text[0] == '+');
    int64_t ns = 0;

    if (strcmp(text, "-1") == 0)
        ns = NS_PER_MS;
    else if (strcmp(at, "0") != 0)
        do
            if (!take_part(&at, &ns))
                return false;
        while (*at != '\0');
    if (ns % NS_PER_MS != 0)
        return false;
    const int64_t ms = negative ? -(ns / NS_PER_MS) : ns / NS_PER_MS;
    if (ms < option->min || ms > option->max)
        return false;
    *(int64_t *)option->value = ms;
    return true;
}

void options_add_duration(struct buf *out, int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } parts[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

    if (ms == 0)
        buf_add_byte(out, '0');
    if (ms < 0)
        buf_add_byte(out, '-');
    ms = ms < 0 ? -ms : ms;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (ms >= parts[i].ms) {
            buf_printf(out, "%" PRId64 "%s", ms / parts[i].ms, parts[i].name);
            ms %= parts[i].ms;
        }
}

/* ---- lists ---- */

static bool each_item(const char *text, bool (*take)(void *context, struct text word),
                      void *context)
{
    struct json json;
    struct buf word = {0};
    bool good = json_parse(&json, (struct text){text, strlen(text)}) == ERR_OK;

    for (struct json_iter it = json_iter(json_root(&json)); good && json_next(&it);) {
        buf_reset(&word);
        good = json_to_text(it.value, &word) && take(context, buf_text(&word));
    }
    buf_fini(&word);
    json_fini(&json);
    return good;
}

bool options_each_word(const char *text, bool (*take)(void *context, struct text word),
                       void *context)
{
    static const char between[] = ", \t";

    text += strspn(text, between);
    if (text[0] == '[')
        return each_item(text, take, context);
    for (size_t len; (len = strcspn(text, between)) > 0;
         text += len, text += strspn(text, between))
        if (!take(context, text_of(text, len)))
            return false;
    return true;
}

static void free_list(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct option_list){0};
}

static bool add_word(void *context, struct text word)
{
    struct option_list *list = context;

    list->at = xrealloc(list->at, (list->count + 1) * sizeof(*list->at));
    list->at[list->count++] = xstrndup(word.len > 0 ? word.at : "", word.len);
    return true;
}

static bool parse_list(const struct option *option, const char *text)
{
    struct option_list list = {0};

    if (!options_each_word(text, add_word, &list)) {
        free_list(&list);
        return false;
    }
    *(struct option_list *)option->value = list;
    return true;
}

struct set {
    const struct option *option;
    unsigned bits;
};

static bool add_bit(void *context, struct text word)
{
    struct set *set = context;

    for (unsigned i = 0; set->option->choices[i] != NULL; i++)
        if (text_equal(word, text(set->option->choices[i]))) {
            set->bits |= 1u << i;
            return true;
        }
    return false;
}

static bool parse_set(const struct option *option, const char *text)
{
    struct set set = {option, 0};

    if (!options_each_word(text, add_bit, &set))
        return false;
    *(unsigned *)option->value = set.bits;
    return true;
}

/* ---- the rest ---- */

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

bool options_parse(const struct option *option, const char *text)
{
    switch (option->type) {
    case OPTION_SECRET:
        if (text[0] == '\0' || (int64_t)strlen(text) < option->min)
            return false;
        /* fallthrough */
    case OPTION_TEXT:
        *(char **)option->value = xstrdup(text);
        return true;
    case OPTION_NUMBER:
        return parse_number(option, text);
    case OPTION_FLAG:
        return parse_flag(option, text);
    case OPTION_CHOICE:
        return parse_choice(option, text);
    case OPTION_DURATION:
        return parse_duration(option, text);
    case OPTION_LIST:
        return parse_list(option, text);
    case OPTION_SET:
        return parse_set(option, text);
    case OPTION_JSON:
        break;
    }
    return false;
}

void options_free(const struct option *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].type == OPTION_TEXT || table[i].type == OPTION_SECRET) {
            free(*(char **)table[i].value);
            *(char **)table[i].value = NULL;
        } else if (table[i].type == OPTION_LIST) {
            free_list(table[i].value);
        }
}

/* Strings stand for numbers and words of every kind too, as in files written for Go programs. */
bool options_take_kind(enum option_type type, enum json_kind kind)
{
    switch (type) {
    case OPTION_TEXT:
    case OPTION_SECRET:
    case OPTION_CHOICE:
        return kind == JSON_STRING;
    case OPTION_NUMBER:
    case OPTION_DURATION:
        return kind == JSON_NUMBER || kind == JSON_STRING;
    case OPTION_FLAG:
        return kind == JSON_BOOL || kind == JSON_STRING;
    case OPTION_LIST:
    case OPTION_SET:
        return kind == JSON_ARRAY || kind == JSON_STRING;
    case OPTION_JSON:
        return kind == JSON_ARRAY || kind == JSON_OBJECT;
    }
    return false;
}

/* ---- what they may be ---- */

static void describe_number(struct buf *out, const struct option *option)
{
    buf_printf(out, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
    if (option->unit != NULL)
        buf_printf(out, " (%s)", option->unit);
}

static void describe_words(struct buf *out, const struct option *option, const char *before)
{
    buf_printf(out, "%s", before);
    for (const char *const *choice = option->choices; *choice != NULL; choice++)
        buf_printf(out, "%s%s", choice == option->choices ? "" : ", ", *choice);
}

static void describe_duration(struct buf *out, const struct option *option)
{
    buf_printf(out, "a duration such as 300ms, 25s or 1h30m, from ");
    options_add_duration(out, option->min < 0 ? 0 : option->min);
    buf_printf(out, " to ");
    options_add_duration(out, option->max);
    if (option->min < 0)
        buf_printf(out, ", or -1 (off)");
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
        describe_words(out, option, "one of: ");
        break;
    case OPTION_DURATION:
        describe_duration(out, option);
        break;
    case OPTION_LIST:
        buf_printf(out, "a list of words");
        break;
    case OPTION_SET:
        describe_words(out, option, "a list of: ");
        break;
    case OPTION_JSON:
        buf_printf(out, option->fallback != NULL && option->fallback[0] == '{' ? "a JSON object"
                                                                              : "a JSON array");
        break;
    }
}
