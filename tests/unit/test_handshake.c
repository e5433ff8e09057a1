#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/loop/handshake.h"

static bool passes(const char *origins, const char *origin, const char *host)
{
    return handshake_origin_passes(text(origins), text(origin), text(host));
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

static void with_a_list_its_origins_pass_and_no_others(void **state)
{
    const char *list = "https://a.example, https://b.example:8443";

    assert_true(passes(list, "https://a.example", "gateway"));
    assert_true(passes(list, "https://B.example:8443", "gateway"));
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
        cmocka_unit_test(with_a_list_its_origins_pass_and_no_others),
        cmocka_unit_test(who_sends_no_origin_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
