#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/transport/origin.h"

/* `list` NULL: none is configured. */
static bool passes(const char *list, const char *origin, const char *host)
{
    char *words[8], *copy = xstrdup(list != NULL ? list : ""), *rest = copy, *word;
    struct option_list allowed = {.at = words};

    while ((word = strsep(&rest, " ")) != NULL)
        if (word[0] != '\0')
            words[allowed.count++] = word;
    const bool passes = origin_passes(&allowed, true, text(origin), text(host));
    free(copy);
    return passes;
}

static void without_a_list_a_page_of_the_same_host_passes_whatever_its_port(void **state)
{
    assert_true(passes("", "http://chat.example:8000", "chat.example:8001"));
    assert_true(passes("", "https://CHAT.example", "chat.example"));
    assert_true(passes("", "http://[::1]:8000", "[::1]:8001"));
    assert_false(passes("", "http://chat.example.evil", "chat.example:8001"));
    assert_false(passes("", "http://evil/chat.example", "chat.example"));
    assert_false(passes("", "http://[::2]:8000", "[::1]:8001"));
    assert_false(passes("", "null", "null"));
}

static void alone_no_page_passes_without_a_list(void **state)
{
    const struct option_list none = {0};

    assert_false(origin_passes(&none, false, TEXT("http://chat.example"), TEXT("chat.example")));
    assert_true(origin_passes(&none, false, (struct text){0}, TEXT("chat.example")));
}

static void with_a_list_its_origins_pass_and_no_others(void **state)
{
    const char *list = "https://a.example https://b.example:8443 https://*.c.example";

    assert_true(passes(list, "https://a.example", "gateway"));
    assert_true(passes(list, "https://B.example:8443", "gateway"));
    assert_true(passes(list, "https://www.c.example", "gateway"));
    assert_false(passes(list, "https://c.example", "gateway"));
    assert_false(passes(list, "https://b.example", "gateway"));
    assert_false(passes(list, "http://gateway", "gateway"));
    assert_true(passes("*", "https://anything", "gateway"));
}

static void who_sends_no_origin_is_no_page(void **state)
{
    assert_true(passes("", "", "gateway"));
    assert_true(passes("https://a.example", "", "gateway"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_a_page_of_the_same_host_passes_whatever_its_port),
        cmocka_unit_test(alone_no_page_passes_without_a_list),
        cmocka_unit_test(with_a_list_its_origins_pass_and_no_others),
        cmocka_unit_test(who_sends_no_origin_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
