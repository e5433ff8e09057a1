#include "gateway/pattern/go_regex.h"

#include <stdlib.h>
#include <string.h>

/*
 * regcomp() copies what is repeated, and copies of copies: ((a+)+)+ has 2^3 places. So sizes are
 * known before it sees anything.
 */
struct translation {
    const char *at; /* what is left of the pattern */
    struct buf *out, *why;
    bool has_atom; /* there is something that * can repeat */
    size_t last;   /* its places */
    size_t sum;    /* of all before that, in this group */
    size_t outer[GO_REGEX_DEPTH_MAX];
    size_t depth;
    size_t size_max;
};

typedef bool ascii_set[128];

static bool fail(struct translation *t, const char *what)
{
    buf_printf(t->why, "%s in the regular expression, at \"%.20s\"", what, t->at);
    return false;
}

/* What can be repeated, or an anchor or |, which cannot. */
static void add_place(struct translation *t, bool is_atom)
{
    t->has_atom = is_atom;
    t->sum += t->last;
    t->last = 1;
}

/* ---- sets ---- */

static void add_range(ascii_set set, int from, int to)
{
    for (int i = from; i <= to; i++)
        set[i] = true;
}

/* What \d, \w or \s stand for; false for other letters. */
static bool add_class(ascii_set set, char letter)
{
    switch (letter) {
    case 'd':
        add_range(set, '0', '9');
        return true;
    case 'w':
        add_range(set, '0', '9');
        add_range(set, 'a', 'z');
        add_range(set, 'A', 'Z');
        set['_'] = true;
        return true;
    case 's':
        set[' '] = set['\t'] = set['\n'] = set['\f'] = set['\r'] = true;
        return true;
    default:
        return false;
    }
}

/* In brackets, ] comes first, - last and ^ not first; a backslash is itself. */
static void add_brackets(struct buf *out, const ascii_set set, bool negated)
{
    buf_printf(out, negated ? "[^" : "[");
    const size_t start = out->len;
    if (set[']'])
        buf_add_byte(out, ']');
    for (int i = 1; i < 128; i++)
        if (set[i] && i != ']' && i != '^' && i != '-' && i != '[')
            buf_add_byte(out, (char)i);
    if (set['['])
        buf_add_byte(out, '['); /* nothing that makes it [: or [= follows */
    if (set['^'] && out->len == start && !negated) {
        buf_printf(out, "-^]"); /* nothing else is in a set of two or more */
        return;
    }
    if (set['^'])
        buf_add_byte(out, '^');
    if (set['-'])
        buf_add_byte(out, '-');
    buf_add_byte(out, ']');
}

static void finish_set(struct translation *t, const ascii_set set, bool negated)
{
    int count = 0, last = 0;

    for (int i = 1; i < 128; i++)
        if (set[i]) {
            count++;
            last = i;
        }
    if (count == 1 && !negated) /* also [^] alone, which brackets cannot say */
        buf_printf(t->out, strchr("^$.[]|()*+?{}\\", last) != NULL ? "\\%c" : "%c", last);
    else
        add_brackets(t->out, set, negated);
    add_place(t, true);
}

/* The byte that an escape stands for; 0: none that we know. */
static char escaped(char letter)
{
    static const char names[] = "tnrfv", bytes[] = "\t\n\r\f\v";
    const char *at = letter != '\0' ? strchr(names, letter) : NULL;

    if (at != NULL)
        return bytes[at - names];
    const bool is_word = (letter >= '0' && letter <= '9') ||
                         ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z');
    return letter >= ' ' && letter < 0x7f && !is_word ? letter : '\0';
}

/* ---- [...] ---- */

static bool take_named_class(struct translation *t, ascii_set set)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs */
    } classes[] = {
        {"[:alnum:]", "09azAZ"}, {"[:alpha:]", "azAZ"},     {"[:digit:]", "09"},
        {"[:lower:]", "az"},     {"[:upper:]", "AZ"},       {"[:space:]", "\t\r  "},
        {"[:word:]", "09azAZ__"}, {"[:xdigit:]", "09afAF"}, {"[:punct:]", "!/:@[`{~"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(classes); i++)
        if (strncmp(t->at, classes[i].name, strlen(classes[i].name)) == 0) {
            for (const char *pair = classes[i].ranges; *pair != '\0'; pair += 2)
                add_range(set, pair[0], pair[1]);
            t->at += strlen(classes[i].name);
            return true;
        }
    return fail(t, "an unknown class");
}

/* One byte of a bracket, perhaps escaped, into `byte`. */
static bool take_set_byte(struct translation *t, int *byte)
{
    if (t->at[0] == '\\') {
        *byte = escaped(t->at[1]);
        if (*byte == 0)
            return fail(t, "an escape that is not supported");
        t->at += 2;
        return true;
    }
    if ((unsigned char)t->at[0] >= 128)
        return fail(t, "a letter beyond ASCII in brackets");
    if (t->at[0] == '\0')
        return fail(t, "a [ without its ]");
    *byte = *t->at++;
    return true;
}

static bool take_set_item(struct translation *t, ascii_set set)
{
    int from, to;

    if (t->at[0] == '[' && t->at[1] == ':')
        return take_named_class(t, set);
    if (t->at[0] == '\\' && add_class(set, t->at[1])) {
        t->at += 2;
        return true;
    }
    if (!take_set_byte(t, &from))
        return false;
    to = from;
    if (t->at[0] == '-' && t->at[1] != ']' && t->at[1] != '\0') {
        t->at++;
        if (!take_set_byte(t, &to))
            return false;
        if (to < from)
            return fail(t, "a range from high to low");
    }
    add_range(set, from, to);
    return true;
}

static bool take_brackets(struct translation *t)
{
    ascii_set set = {false};
    const bool negated = t->at[1] == '^';

    t->at += negated ? 2 : 1;
    do { /* a ] that comes first is itself */
        if (!take_set_item(t, set))
            return false;
    } while (*t->at != ']');
    t->at++;
    finish_set(t, set, negated);
    return true;
}

/* ---- the rest ---- */

static bool take_escape(struct translation *t)
{
    ascii_set set = {false};
    const char letter = t->at[1];
    const char byte = escaped(letter);

    if (add_class(set, (char)(letter | 0x20))) {
        const bool negated = (letter & 0x20) == 0;
        t->at += 2;
        finish_set(t, set, negated);
        return true;
    }
    if (letter == 'A' || letter == 'z') {
        buf_add_byte(t->out, letter == 'A' ? '^' : '$');
        add_place(t, false);
        t->at += 2;
        return true;
    }
    if (byte == 0)
        return fail(t, "an escape that is not supported");
    set[(int)byte] = true;
    t->at += 2;
    finish_set(t, set, false);
    return true;
}

/* {2}, {2,} or {2,5} at `at`: its length; 0: none, and the brace is itself. `copies`: how often
 * regcomp() writes what is before it; a{2,} is aaa*. */
static size_t repeat_len(const char *at, size_t *copies)
{
    char *end;

    if (at[1] < '0' || at[1] > '9')
        return 0;
    *copies = strtoul(at + 1, &end, 10);
    if (*end == ',' && end[1] >= '0' && end[1] <= '9') {
        const size_t most = strtoul(end + 1, &end, 10);
        *copies = most > *copies ? most : *copies;
    } else if (*end == ',') {
        end++;
        *copies += *copies < SIZE_MAX;
    }
    return *end == '}' ? (size_t)(end + 1 - at) : 0;
}

static bool take_repeat(struct translation *t)
{
    size_t copies = *t->at == '+' ? 2 : 1;
    const size_t len = *t->at == '{' ? repeat_len(t->at, &copies) : 1;

    if (len == 0) {
        buf_printf(t->out, "\\{");
        t->at++;
        add_place(t, true);
        return true;
    }
    if (!t->has_atom)
        return fail(t, "nothing to repeat");
    if (copies > t->size_max)
        return fail(t, "too many repetitions");
    t->last = t->last * (copies > 0 ? copies : 1) + 1;
    buf_add(t->out, t->at, len);
    t->at += len;
    if (*t->at == '?')
        t->at++; /* lazy: the same for a question of yes or no */
    t->has_atom = false;
    return true;
}

static bool open_group(struct translation *t)
{
    if (strncmp(t->at, "(?:", 3) == 0)
        t->at += 2;
    else if (t->at[1] == '?')
        return fail(t, "a group that is not supported");
    if (t->depth == GO_REGEX_DEPTH_MAX)
        return fail(t, "too many groups");
    t->at++;
    buf_add_byte(t->out, '(');
    t->outer[t->depth++] = t->sum + t->last;
    t->sum = t->last = 0;
    t->has_atom = false;
    return true;
}

static bool close_group(struct translation *t)
{
    if (t->depth == 0)
        return fail(t, "a ) without its (");
    t->last += t->sum + 1;
    t->sum = t->outer[--t->depth];
    t->has_atom = true;
    buf_add_byte(t->out, *t->at++);
    return true;
}

static bool take_one(struct translation *t)
{
    switch (*t->at) {
    case '\\':
        return take_escape(t);
    case '[':
        return take_brackets(t);
    case '(':
        return open_group(t);
    case ')':
        return close_group(t);
    case '*':
    case '+':
    case '?':
    case '{':
        return take_repeat(t);
    case ']':
    case '}':
        buf_add_byte(t->out, '\\');
        break;
    default:
        break;
    }
    add_place(t, strchr("|^$", *t->at) == NULL);
    buf_add_byte(t->out, *t->at++);
    return true;
}

static bool translate(struct translation *t)
{
    while (*t->at != '\0') {
        if (!take_one(t))
            return false;
        if (t->last + t->sum > t->size_max)
            return fail(t, "too much, with repetitions written out,");
    }
    return t->depth == 0 || fail(t, "a ( without its )");
}

bool go_regex_compile(regex_t *regex, const char *pattern, size_t size_max, struct buf *why)
{
    struct buf posix = {0};
    struct translation t = {.at = pattern, .out = &posix, .why = why, .size_max = size_max};
    char message[128];
    bool good = strlen(pattern) <= GO_REGEX_MAX_BYTES;

    if (!good)
        buf_printf(why, "the regular expression has more than %d bytes", GO_REGEX_MAX_BYTES);
    else if ((good = translate(&t))) {
        const int code = regcomp(regex, buf_cstring(&posix), REG_EXTENDED | REG_NOSUB);
        good = code == 0;
        if (!good) {
            regerror(code, regex, message, sizeof(message));
            buf_printf(why, "no regular expression: %s", message);
        }
    }
    buf_fini(&posix);
    return good;
}

bool go_regex_matches(const regex_t *regex, struct text subject)
{
    struct buf copy = {0}; /* regexec() wants its end marked */

    if (subject.len > 0 && memchr(subject.at, '\0', subject.len) != NULL)
        return false;
    buf_add_text(&copy, subject);
    const bool matches = regexec(regex, buf_cstring(&copy), 0, NULL, 0) == 0;
    buf_fini(&copy);
    return matches;
}
