#include "api/store/db_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_turn(const char *list, unsigned turn, const char *expected)
{
    struct buf out = {0};

    db_hosts_turn(list, turn, &out);
    assert_string_equal(buf_cstring(&out), expected);
    buf_fini(&out);
}

static void each_turn_begins_with_the_next_host(void **state)
{
    assert_turn("a,b,c", 0, "a,b,c");
    assert_turn("a,b,c", 1, "b,c,a");
    assert_turn("a,b,c", 2, "c,a,b");
    assert_turn("a,b,c", 3, "a,b,c");
    assert_turn("a,b,c", UINT32_MAX, "a,b,c"); /* 4294967295 = 3 * 1431655765 */
}

static void a_single_host_comes_at_every_turn(void **state)
{
    assert_turn("10.0.0.1", 5, "10.0.0.1");
    assert_turn("", 5, "");
}

static void empty_items_keep_their_places(void **state) /* a port that is the default: "5433," */
{
    assert_turn("5433,", 1, ",5433");
    assert_turn(",", 1, ",");
}

static void assert_first(const char *conninfo, unsigned turn, const char *host, const char *port)
{
    PGconn *pg = db_hosts_connect(conninfo, turn);

    assert_non_null(pg);
    assert_string_equal(PQhost(pg), host);
    assert_string_equal(PQport(pg), port);
    assert_string_equal(PQuser(pg), "ada");
    PQfinish(pg);
}

static void hosts_and_ports_turn_together(void **state)
{
    assert_first("postgresql://ada@127.0.0.1:1,127.0.0.2:2/tea", 0, "127.0.0.1", "1");
    assert_first("postgresql://ada@127.0.0.1:1,127.0.0.2:2/tea", 1, "127.0.0.2", "2");
    assert_first("host=127.0.0.1,127.0.0.2 port=1 user=ada", 1, "127.0.0.2", "1");
}

static void a_string_that_does_not_parse_is_complained_of(void **state)
{
    PGconn *pg = db_hosts_connect("host='a", 1);

    assert_int_equal(PQstatus(pg), CONNECTION_BAD);
    assert_true(PQerrorMessage(pg)[0] != '\0');
    PQfinish(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_turn_begins_with_the_next_host),
        cmocka_unit_test(a_single_host_comes_at_every_turn),
        cmocka_unit_test(empty_items_keep_their_places),
        cmocka_unit_test(hosts_and_ports_turn_together),
        cmocka_unit_test(a_string_that_does_not_parse_is_complained_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
