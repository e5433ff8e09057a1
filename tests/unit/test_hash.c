#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"

static void it_is_siphash_2_4(void **state)
{
    assert_int_equal(hash_text(0, TEXT("")), UINT64_C(0x1e924b9d737700d7));
}

static void a_chain_tells_where_each_text_ends(void **state)
{
    assert_true(hash_text(hash_text(0, TEXT("a")), TEXT("bc")) !=
                hash_text(hash_text(0, TEXT("ab")), TEXT("c")));
}

static void under_another_seed_it_is_another(void **state)
{
    assert_true(hash_text(1, TEXT("tea")) != hash_text(2, TEXT("tea")));
    assert_true(hash_text(1, TEXT("tea")) == hash_text(1, TEXT("tea")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_siphash_2_4),
        cmocka_unit_test(a_chain_tells_where_each_text_ends),
        cmocka_unit_test(under_another_seed_it_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
