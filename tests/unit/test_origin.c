#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/request/address.h"
#include "api/request/origin.h"

static bool allowed(const char *list, const char *origin, const char *host)
{
    return origin_allowed(list, text(origin), text(host));
}

static void without_a_list_the_own_host_passes_on_any_port(void **state)
{
    assert_true(allowed("", "http://chat.example:8000", "chat.example:8001"));
    assert_true(allowed("", "https://CHAT.example", "chat.example:8001"));
    assert_true(allowed("", "http://[::1]:80", "[::1]:8000"));
    assert_false(allowed("", "http://evil.example", "chat.example"));
    assert_false(allowed("", "http://chat.example.evil", "chat.example"));
    assert_false(allowed("", "http://[::1]", "[::2]"));
}

static void origins_that_are_no_pages_do_not_pass(void **state)
{
    assert_false(allowed("", "null", "null"));
    assert_false(allowed("", "", ""));
    assert_false(allowed("", "http://", ""));
    assert_false(allowed("", "file://chat.example", "chat.example"));
}

static void a_list_is_compared_exactly(void **state)
{
    const char *list = "https://a.example, https://b.example:8443";

    assert_true(allowed(list, "https://a.example", "x"));
    assert_true(allowed(list, "https://b.example:8443", "x"));
    assert_false(allowed(list, "https://b.example", "b.example"));
    assert_false(allowed(list, "http://a.example", "a.example"));
}

static void assert_address(const char *forwarded, const char *expected)
{
    const struct text found =
        address_behind_proxies("10.0.0.1, 10.0.0.2, 172.16.0.0/12, 2001:db8:a::1", TEXT("10.0.0.1"), text(forwarded));
    assert_true(text_equal(found, text(expected)));
}

static void only_listed_proxies_are_believed(void **state)
{
    const struct text direct = TEXT("192.0.2.9");
    assert_true(
        text_equal(address_behind_proxies("10.0.0.1", direct, TEXT("198.51.100.1")), direct));
    assert_address("", "10.0.0.1");
    assert_address("198.51.100.1", "198.51.100.1");
    assert_address("198.51.100.1, 10.0.0.2", "198.51.100.1");
    assert_address("1.2.3.4, 198.51.100.1", "198.51.100.1"); /* a client may write what it likes */
    assert_address("2001:db8::1", "2001:db8::1");
    assert_address("198.51.100.1, 172.16.9.9", "198.51.100.1");
    assert_address("198.51.100.1, ::ffff:10.0.0.2, 2001:0db8:a::0:1", "198.51.100.1");
    assert_address("unknown", "10.0.0.1");
    assert_address("<script>,", "10.0.0.1");
}

static void networks_are_compared_bit_by_bit(void **state)
{
    const char *list = "127.0.0.0/8, ::1, 10.1.2.128/25,2001:db8::/33";

    assert_true(address_in(list, TEXT("127.9.9.9")));
    assert_true(address_in(list, TEXT("::1")));
    assert_true(address_in(list, TEXT("10.1.2.129")));
    assert_true(address_in(list, TEXT("::ffff:10.1.2.129")));
    assert_true(address_in(list, TEXT("2001:db8:7fff::1")));
    assert_false(address_in(list, TEXT("128.0.0.1")));
    assert_false(address_in(list, TEXT("::2")));
    assert_false(address_in(list, TEXT("10.1.2.127")));
    assert_false(address_in(list, TEXT("2001:db8:8000::1")));
    assert_false(address_in(list, TEXT("")));
    assert_false(address_in(list, TEXT("localhost")));
    assert_false(address_in("", TEXT("127.0.0.1")));
    assert_true(address_in("0.0.0.0/0", TEXT("8.8.8.8")));
}

static void what_is_no_network_is_told(void **state)
{
    const char *good[] = {"1.2.3.4", "1.2.3.4/0", "1.2.3.4/32", "::/128", "2001:db8::1"};
    const char *bad[] = {"", "/", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3/8", "1.2.3.4/-1", "1.2.3.4/8x", "1.2.3.4/0008", "localhost/8"};

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(address_is_network(text(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(address_is_network(text(bad[i])));
}

static void assert_network(const char *address, const char *expected)
{
    struct buf out = {0};

    address_network(text(address), &out);
    assert_string_equal(buf_cstring(&out), expected);
    buf_fini(&out);
}

static void an_address_of_ipv6_stands_for_its_network(void **state)
{
    assert_network("192.0.2.1", "192.0.2.1");
    assert_network("::ffff:192.0.2.1", "192.0.2.1");
    assert_network("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
    assert_network("::1", "::/64");
    assert_network("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_the_own_host_passes_on_any_port),
        cmocka_unit_test(origins_that_are_no_pages_do_not_pass),
        cmocka_unit_test(a_list_is_compared_exactly),
        cmocka_unit_test(only_listed_proxies_are_believed),
        cmocka_unit_test(networks_are_compared_bit_by_bit),
        cmocka_unit_test(what_is_no_network_is_told),
        cmocka_unit_test(an_address_of_ipv6_stands_for_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
