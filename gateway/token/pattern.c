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

/* The largest number of a {m,n}; regcomp() checks its form. */
static long repeat_of(struct text rest)
{
    long most = 0, number = 0;

    for (size_t i = 1; i < rest.len && rest.at[i] != '}'; i++) {
        number = isdigit((unsigned char)rest.at[i]) ? number * 10 + (rest.at[i] - '0') : 0;
        if (number > PATTERN_REPEAT_MAX)
            return number;
        most = number > most ? number : most;
    }
    return most;
}

static bool check_set(struct text set, char *why)
{
    for (size_t i = 0; i + 1 < set.len; i++)
        if (set.at[i] == '\\' && isalnum((unsigned char)set.at[i + 1]))
            return REFUSE(why, "\\%c in [] is not understood; write 0-9 for \\d", set.at[i + 1]);
    return true;
}

/* What stands at the beginning of `rest`, behind `before`; `product` is of all repeats so far. */
static bool check_place(struct text rest, char before, long *product, char *why)
{
    const char next = rest.len > 1 ? rest.at[1] : '\0';

    switch (rest.at[0]) {
    case '\\':
        if (isalnum((unsigned char)next))
            return REFUSE(why, "\\%c is not understood; write [0-9] for \\d", next);
        return true;
    case '(':
        return next != '?' || REFUSE(why, "(?...) is not understood");
    case '?':
        return strchr("*+?}", before) == NULL || before == '\0' ||
               REFUSE(why, "%c? is not understood: there are no lazy repeats", before);
    case '{':
        if ((*product *= repeat_of(rest) + 1) > PATTERN_REPEAT_MAX + 1)
            return REFUSE(why, "it repeats more than %d times", PATTERN_REPEAT_MAX);
        return true;
    case '[':
        return check_set(text_of(rest.at, bracket_bytes(rest)), why);
    default:
        return true;
    }
}

static bool check_pattern(struct text pattern, char *why)
{
    struct text rest = pattern;
    long product = 1;
    char before = '\0'; /* the operator that was before; NUL: none was */

    while (rest.len > 0) {
        const char first = rest.at[0];
        size_t bytes = 1;
        if (!check_place(rest, before, &product, why))
            return false;
        if (first == '\\')
            bytes = rest.len > 1 ? 2 : 1;
        else if (first == '[')
            bytes = bracket_bytes(rest);
        before = bytes == 1 ? first : '\0';
        rest = text_after(rest, bytes);
    }
    return product * (long)pattern.len <= PATTERN_SIZE_MAX ||
           REFUSE(why, "it repeats too much of itself");
}

bool pattern_compile(regex_t *regex, struct text pattern, char why[PATTERN_WHY_BYTES])
{
    if (pattern.len > PATTERN_BYTES_MAX)
        return REFUSE(why, "it is longer than %d bytes", PATTERN_BYTES_MAX);
    if (pattern.len > 0 && memchr(pattern.at, '\0', pattern.len) != NULL)
        return REFUSE(why, "it has a NUL byte");
    if (!check_pattern(pattern, why))
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
