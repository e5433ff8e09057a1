#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "gateway/pattern/glob.h"

static const struct {
    const char *pattern, *name;
    bool matches;
} globs[] = {
    {"news:*", "news:a", true},
    {"news:*", "news:", true},
    {"news:*", "news", false},
    {"news:*", "news:a:b", true},
    {"*", "", true},
    {"*", "a", true},
    {"a*c", "abbc", true},
    {"a*c", "ac", true},
    {"a*c", "abcd", false},
    {"a*b*c", "aXbYbZc", true},
    {"*ab", "aab", true},
    {"*aab", "aaab", true},
    {"a**b", "ab", true},
    {"abc", "abc", true},
    {"abc", "abcd", false},
    {"", "", true},
    {"", "a", false},
    {"*a", "b", false},
};

static void a_star_is_any_run_of_bytes(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(globs); i++)
        if (glob_matches(text(globs[i].pattern), text(globs[i].name)) != globs[i].matches)
            fail_msg("%s %s", globs[i].pattern, globs[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_is_any_run_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
