#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/token/pattern.h"

static bool matches(const char *pattern, struct text subject)
{
    char why[PATTERN_WHY_BYTES] = "";
    regex_t regex;

    if (!pattern_compile(&regex, text(pattern), PATTERN_SIZE_MAX, why))
        fail_msg("%s: %s", pattern, why);
    const bool found = pattern_matches(&regex, subject);
    regfree(&regex);
    return found;
}

static void what_means_the_same_in_both_languages_is_compiled(void **state)
{
    static const struct {
        const char *pattern, *subject;
        bool matches;
    } rows[] = {
        {"^https://(a|b)\\.example\\.com$", "https://a.example.com", true},
        {"^https://(a|b)\\.example\\.com$", "https://a-example.com", false},
        {"chat", "my chat room", true},
        {"^[[:alpha:]_]+:[0-9]{2,3}$", "room_a:12", true},
        {"^[[:alpha:]_]+:[0-9]{2,3}$", "room_a:1234", false},
        {"^[]x]+$", "x]", true},
        {"^[^]x]+$", "x", false},
        {"^a?b$", "b", true},
        {"^(ab)?$", "", true},
        {"", "anything", true},
        {"\\?\\*", "?*", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (matches(rows[i].pattern, text(rows[i].subject)) != rows[i].matches)
            fail_msg("%s in %s", rows[i].pattern, rows[i].subject);
}

static void what_means_something_else_elsewhere_is_refused(void **state)
{
    static const char *const patterns[] = {
        "^\\d+$",       "\\w",
        "\\bword",      "[\\d]",
        "[^\\s]",       "(a)\\1",
        "(?i)chat",     "(?P<x>a)",
        "(?:a|b)",      "a*?",
        "a+?",          "a??",
        "a{1,2}?",      "[a",
        "(a",           "a{2,1}",
        "a{1025}",      "a{1,2",
        "a{99999999}",  "[[:word:]]",
        "\\",           "((a{1,200}){1,200})",
        "a+++++++++++",
    };
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        char why[PATTERN_WHY_BYTES] = "";
        regex_t regex;
        if (pattern_compile(&regex, text(patterns[i]), PATTERN_SIZE_MAX, why))
            fail_msg("%s was compiled", patterns[i]);
        assert_true(why[0] != '\0');
    }
}

static bool compiles(struct text pattern)
{
    char why[PATTERN_WHY_BYTES] = "";
    regex_t regex;
    const bool good = pattern_compile(&regex, pattern, 100, why);

    if (good)
        regfree(&regex);
    return good;
}

/* a++++++++++ took all memory: each + doubles what is before it. */
static void what_a_pattern_grows_to_is_bounded(void **state)
{
    static const struct {
        const char *pattern;
        bool fits;
    } rows[] = {
        {"a{99}", true},
        {"a{100}", false},
        {"a{0,99999999999999999999}", false},
        {"a+b+c+d+e+f+g+h+i+j+k+l+", true},
        {"a++++++++++", false},
        {"((((((a+)+)+)+)+)+)+", false},
        {"(a{1,10}){1,10}", false},
        {"(a{1,10}b){1,5}", true},
        {"a{1,40}b{1,40}", true},
        {"a{1,40}|b{1,70}", false},
        {"[[:alpha:]]{20}", true},
        {"((((((((((((((((a))))))))))))))))", true},
        {"(((((((((((((((((a)))))))))))))))))", false},
    };
    static char literal[101];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (compiles(text(rows[i].pattern)) != rows[i].fits)
            fail_msg("%s", rows[i].pattern);
    memset(literal, 'a', sizeof(literal));
    assert_true(compiles(text_of(literal, 100)));
    assert_false(compiles(text_of(literal, 101)));
    assert_false(compiles(text_of("a\0b", 3)));
}

static void a_nul_byte_does_not_end_what_is_looked_at(void **state)
{
    assert_false(matches("^news$", text_of("news\0secret", 11)));
    assert_true(matches("secret$", text_of("news\0secret", 11)));
    assert_true(matches("^$", (struct text){0}));
    assert_true(matches("^news$", text_of("newspaper", 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_the_same_in_both_languages_is_compiled),
        cmocka_unit_test(what_means_something_else_elsewhere_is_refused),
        cmocka_unit_test(what_a_pattern_grows_to_is_bounded),
        cmocka_unit_test(a_nul_byte_does_not_end_what_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
