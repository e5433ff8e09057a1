#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/checksum.h"

/* Other machines and later versions must find the same: Redis keeps them. */
static void a_checksum_is_xxh3(void **state)
{
    char hex[CHECKSUM_HEX_BYTES];

    assert_true(checksum(0, text("")) == UINT64_C(0x2d06800538d394c2));
    checksum_hex(text(""), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
}

static void it_tells_where_each_of_several_texts_ends(void **state)
{
    const uint64_t one = checksum(checksum(0, text("ab")), text("c"));

    assert_true(one == checksum(checksum(0, text("ab")), text("c")));
    assert_true(one != checksum(checksum(0, text("a")), text("bc")));
    assert_true(one != checksum(checksum(0, text("abc")), text("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checksum_is_xxh3),
        cmocka_unit_test(it_tells_where_each_of_several_texts_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
