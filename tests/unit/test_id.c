#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/id.h"

static void an_id_is_plain_digits_below_two_to_the_63(void **state)
{
    int64_t id = 0;
    assert_true(id_parse(TEXT("1"), &id));
    assert_int_equal(id, 1);
    assert_true(id_parse(TEXT("9223372036854775807"), &id));
    assert_int_equal(id, INT64_MAX);
}

static void all_else_is_no_id(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "01",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x10",
        "9223372036854775808",
        "18446744073709551617",
        "99999999999999999999",
        "999999999999999999999",
        "abc",
        "١",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        int64_t id = -7;
        if (id_parse(text(wrong[i]), &id))
            fail_msg("accepted %s", wrong[i]);
        assert_int_equal(id, -7);
    }
    int64_t id;
    assert_false(id_parse((struct text){0}, &id));
    assert_false(id_parse(text_of("1\0", 2), &id));
}

static void uuids_are_of_version_4_and_differ(void **state)
{
    char one[ID_UUID_BYTES], other[ID_UUID_BYTES];
    for (int i = 0; i < 100; i++) {
        id_uuid(one);
        id_uuid(other);
        assert_int_equal(strlen(one), 36);
        assert_true(one[8] == '-' && one[13] == '-' && one[18] == '-' && one[23] == '-');
        assert_int_equal(strspn(one, "0123456789abcdef-"), 36);
        assert_int_equal(one[14], '4');
        assert_non_null(strchr("89ab", one[19]));
        assert_string_not_equal(one, other);
    }
}

static void random_numbers_differ(void **state)
{
    unsigned char one[16] = {0}, other[16] = {0};
    assert_true(id_random() != id_random());
    id_random_bytes(one, sizeof(one));
    id_random_bytes(other, sizeof(other));
    assert_memory_not_equal(one, other, sizeof(one));
}

static int start(void **state)
{
    id_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_plain_digits_below_two_to_the_63),
        cmocka_unit_test(all_else_is_no_id),
        cmocka_unit_test(uuids_are_of_version_4_and_differ),
        cmocka_unit_test(random_numbers_differ),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
