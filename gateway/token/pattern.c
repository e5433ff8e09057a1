#include "gateway/token/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define REFUSE(why, ...) (snprintf(why, PATTERN_WHY_BYTES, __VA_ARGS__), false)

/* Bytes of the bracket expression that `rest` begins with: a closing bracket that comes first is
 * one of the set, and [:alpha:], [.x.] and [=x=] have brackets of their own. */
static size_t bracket_bytes(struct text rest)
{
    size_t i = 1;

    if (i < rest.len && rest.at[i] == '^')
        i++;
    if (i < rest.len && rest.at[i] == ']')
        i++;
    for (; i < rest.len && rest.at[i] != ']'; i++) {
        if (rest.at[i] != '[' || i + 1 >= rest.len || strchr(":.=", rest.at[i + 1]) == NULL)
            continue;
        const char mark = rest.at[++i];
        for (i++; i + 1 < rest.len && !(rest.at[i] == mark && rest.at[i + 1] == ']'); i++)
            ;
        i++;
    }
    return i < rest.len ? i + 1 : rest.len;
}

static size_t brace_bytes(struct text rest)
{
    const char *end = memchr(rest.at, '}', rest.len);
    return end != NULL ? (size_t)(end - rest.at) + 1 : rest.len;
}

/* The largest number of a {m,n}; regcomp() checks its form. */
static size_t repeat_of(struct text rest)
{
    size_t most = 1, number = 0;

    for (size_t i = 1; i < rest.len && rest.at[i] != '}' && most <= PATTERN_SIZE_MAX; i++) {
        number = isdigit((unsigned char)rest.at[i]) ? number * 10 + (size_t)(rest.at[i] - '0') : 0;
        most = number > most ? number : most;
    }
    return most;
}

/*
 * A walk over a pattern. The compiler copies what is repeated, and copies of copies: a++++ has 2^4
 * places, so sizes are known before it sees the pattern.
 */
struct walk {
    struct text rest;
    char before; /* the operator that was before; NUL: something else was */
    size_t last; /* places of what an operator would repeat */
    size_t sum;  /* of all before that, in these parentheses */
    size_t outer[PATTERN_DEPTH_MAX];
    size_t depth;
};

static void add_atom(struct walk *walk, size_t size)
{
    walk->sum += walk->last;
    walk->last = size;
}

static bool open_group(struct walk *walk, char *why)
{
    if (walk->rest.len > 1 && walk->rest.at[1] == '?')
        return REFUSE(why, "(?...) is not understood");
    if (walk->depth == PATTERN_DEPTH_MAX)
        return REFUSE(why, "its parentheses are nested more than %d deep", PATTERN_DEPTH_MAX);
    add_atom(walk, 0);
    walk->outer[walk->depth++] = walk->sum;
    walk->sum = 0;
    return true;
}

static void close_group(struct walk *walk)
{
    if (walk->depth == 0)
        return; /* regcomp() has its own word on that */
    walk->last += walk->sum + 1;
    walk->sum = walk->outer[--walk->depth];
}

static bool repeat(struct walk *walk, size_t times, char *why)
{
    if (walk->rest.at[0] == '?' && walk->before != '\0')
        return REFUSE(why, "%c? is not understood: there are no lazy repeats", walk->before);
    walk->last = walk->last * times + 1;
    return true;
}

static bool check_escape(struct text rest, char *why)
{
    if (rest.len > 1 && isalnum((unsigned char)rest.at[1]))
        return REFUSE(why, "\\%c is not understood; write [0-9] for \\d", rest.at[1]);
    return true;
}

static bool check_set(struct text set, char *why)
{
    for (size_t i = 0; i + 1 < set.len; i++)
        if (set.at[i] == '\\' && isalnum((unsigned char)set.at[i + 1]))
            return REFUSE(why, "\\%c in [] is not understood; write 0-9 for \\d", set.at[i + 1]);
    return true;
}

/* One step; returns how many bytes it took, 0: refused. */
static size_t step(struct walk *walk, char *why)
{
    const struct text rest = walk->rest;
    size_t bytes;

    switch (rest.at[0]) {
    case '(':
        return open_group(walk, why);
    case ')':
        close_group(walk);
        return 1;
    case '*':
    case '?':
        return repeat(walk, 1, why);
    case '+':
        return repeat(walk, 2, why);
    case '{':
        return repeat(walk, repeat_of(rest), why) ? brace_bytes(rest) : 0;
    case '[':
        bytes = bracket_bytes(rest);
        add_atom(walk, 1);
        return check_set(text_of(rest.at, bytes), why) ? bytes : 0;
    case '\\':
        add_atom(walk, 1);
        return !check_escape(rest, why) ? 0 : rest.len > 1 ? 2 : 1;
    default:
        add_atom(walk, 1);
        return 1;
    }
}

static bool check_pattern(struct text pattern, size_t size_max, char *why)
{
    struct walk walk = {.rest = pattern};
    size_t bytes;

    while (walk.rest.len > 0) {
        const char first = walk.rest.at[0];
        if ((bytes = step(&walk, why)) == 0)
            return false;
        if (walk.last + walk.sum > size_max)
            return REFUSE(why, "it is too large, repeats written out: more than %zu", size_max);
        walk.before = strchr("*+?{", first) != NULL ? first : '\0';
        walk.rest = text_after(walk.rest, bytes);
    }
    return true;
}

bool pattern_compile(regex_t *regex, struct text pattern, size_t size_max,
                     char why[PATTERN_WHY_BYTES])
{
    if (pattern.len > 0 && memchr(pattern.at, '\0', pattern.len) != NULL)
        return REFUSE(why, "it has a NUL byte");
    if (!check_pattern(pattern, size_max, why))
        return false;
    char *copy = xstrndup(pattern.at, pattern.len);
    const int error = regcomp(regex, copy, REG_EXTENDED | REG_NOSUB);
    free(copy);
    if (error != 0)
        regerror(error, regex, why, PATTERN_WHY_BYTES);
    return error == 0;
}

bool pattern_matches(const regex_t *regex, struct text subject)
{
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)subject.len};

    return regexec(regex, subject.len > 0 ? subject.at : "", 1, &range, REG_STARTEND) == 0;
}
