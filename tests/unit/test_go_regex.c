#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/pattern/go_regex.h"

static bool matches(const char *pattern, struct text subject)
{
    struct buf why = {0};
    regex_t regex;

    if (!go_regex_compile(&regex, pattern, GO_REGEX_SIZE_MAX, &why))
        fail_msg("%s: %s", pattern, buf_cstring(&why));
    const bool found = go_regex_matches(&regex, subject);
    regfree(&regex);
    buf_fini(&why);
    return found;
}

static void patterns_mean_what_they_mean_in_go(void **state)
{
    static const struct {
        const char *pattern, *yes, *no; /* `no` NULL: nothing to show */
    } rows[] = {
        {"abc", "xabcx", "ab"},
        {"^a.c$", "abc", "xabc"},
        {"^\\d+$", "0123", "12a"},
        {"^\\D+$", "abc", "a1"},
        {"^\\w+$", "aZ_09", "a-b"},
        {"^\\W$", "-", "a"},
        {"^a\\sb$", "a b", "ab"},
        {"^\\S+$", "h\xc3\xa4", "a b"},
        {"^[\\w-]+$", "a-b_c", "a.b"},
        {"^[\\w.\\-]+$", "a.b-c", "a/b"},
        {"^[^\\d/]+$", "ab-", "a1"},
        {"^[]a]+$", "a]", "b"},
        {"^[\\]a]+$", "a]", "\\"},
        {"^[\\\\]$", "\\", "a"},
        {"^[\\^-]+$", "^-", "a"},
        {"^[^^-]+$", "ab", "a^"},
        {"^[[^]+$", "[^", "a"},
        {"^[\\^]$", "^", "a"},
        {"^[a-c-]+$", "ab-", "d"},
        {"^[[:alpha:]\\d]+$", "aZ9", "_"},
        {"^[[:space:]]$", "\t", "a"},
        {"^(?:news|chat)\\.go$", "chat.go", "chatxgo"},
        {"^(a|b(c|d))+$", "abd", "b"},
        {"^a{2}b{1,2}c{0,}$", "aabbc", "abc"},
        {"^a*?b+?c??$", "aab", "aa"},
        {"^{x}$", "{x}", "x"},
        {"^a{,2}$", "a{,2}", "aa"},
        {"^x\\{2\\}$", "x{2}", "xx"},
        {"\\Aa\\z", "a", "ba"},
        {"^\\/\\:\\_\\-$", "/:_-", "a"},
        {"^a]$", "a]", "a"},
        {"^https://(a|b)\\.example\\.com$", "https://a.example.com", "https://a-example.com"},
        {"chat", "my chat room", "my room"},
        {"^[[:alpha:]_]+:[0-9]{2,3}$", "room_a:12", "room_a:1234"},
        {"^[^]x]+$", "y", "x"},
        {"^(ab)?$", "", "a"},
        {"\\?\\*", "?*", "*?"},
        {"", "anything", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (!matches(rows[i].pattern, text(rows[i].yes)) ||
            (rows[i].no != NULL && matches(rows[i].pattern, text(rows[i].no))))
            fail_msg("%s is not for %s or for %s", rows[i].pattern, rows[i].yes, rows[i].no);
}

static void what_cannot_be_had_is_refused(void **state)
{
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"\\bword", "an escape that is not supported"},
        {"\\pL", "an escape"},
        {"a\\", "an escape"},
        {"\\1", "an escape"},
        {"[\\b]", "an escape"},
        {"(?i)abc", "a group that is not supported"},
        {"(?P<name>a)", "a group that is not supported"},
        {"(a", "a ( without its )"},
        {"a)", "a ) without its ("},
        {"[a", "a [ without its ]"},
        {"[z-a]", "a range from high to low"},
        {"[\xc3\xa4]", "beyond ASCII"},
        {"[[:nope:]]", "an unknown class"},
        {"*a", "nothing to repeat"},
        {"a**", "nothing to repeat"},
        {"(+)", "nothing to repeat"},
        {"a+++++++++++", "nothing to repeat"},
        {"a{2,1}", "no regular expression"},
        {"a{1025}", "too many repetitions"},
        {"a{99999999999999999999}", "too many repetitions"},
        {"((a{100}){100}){100}", "too much"},
        {"((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))", "too many groups"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf why = {0};
        regex_t regex;
        if (go_regex_compile(&regex, rows[i].pattern, GO_REGEX_SIZE_MAX, &why) ||
            strstr(buf_cstring(&why), rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].pattern, buf_cstring(&why));
        buf_fini(&why);
    }
}

static bool compiles(const char *pattern)
{
    struct buf why = {0};
    regex_t regex;
    const bool good = go_regex_compile(&regex, pattern, 100, &why);

    if (good)
        regfree(&regex);
    buf_fini(&why);
    return good;
}

/* ((((((a+)+)+)+)+)+)+ and so on took all memory: each + doubles what is before it. */
static void what_a_pattern_grows_to_is_bounded(void **state)
{
    static const struct {
        const char *pattern;
        bool fits;
    } rows[] = {
        {"a{99}", true},
        {"a{100}", false},
        {"a{0,99999999999999999999}", false},
        {"a{99999999999999999999,}", false},
        {"a+b+c+d+e+f+g+h+i+j+k+l+", true},
        {"((((((a+)+)+)+)+)+)+", false},
        {"((((((a{1,}){1,}){1,}){1,}){1,}){1,}){1,}", false},
        {"((((((a*)*)*)*)*)*)*", true},
        {"(a{1,10}){1,10}", false},
        {"(?:a{1,10}b){1,5}", true},
        {"a{1,40}b{1,40}", true},
        {"a{1,40}|b{1,70}", false},
        {"[[:alpha:]]{20}", true},
        {"\\d{99}", true},
        {"\\d{100}", false},
        {"((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))", true},
        {"(((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))", false},
    };
    char literal[102];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (compiles(rows[i].pattern) != rows[i].fits)
            fail_msg("%s", rows[i].pattern);
    memset(literal, 'a', sizeof(literal));
    literal[100] = '\0';
    assert_true(compiles(literal));
    literal[100] = 'a';
    literal[101] = '\0';
    assert_false(compiles(literal));
}

static void what_has_a_nul_byte_never_matches(void **state)
{
    assert_false(matches("^news$", text_of("news\0secret", 11)));
    assert_false(matches("secret$", text_of("news\0secret", 11)));
    assert_true(matches("^$", (struct text){0}));
    assert_true(matches("^news$", text_of("newspaper", 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_mean_what_they_mean_in_go),
        cmocka_unit_test(what_cannot_be_had_is_refused),
        cmocka_unit_test(what_a_pattern_grows_to_is_bounded),
        cmocka_unit_test(what_has_a_nul_byte_never_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
