#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

static void every_character_is_written_and_read(void **state)
{
    char bytes[4];
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        const size_t len = utf8_encode(code, bytes);
        if (utf8_char_bytes(text_of(bytes, len)) != len)
            fail_msg("U+%04X", code);
        if (len > 1 && utf8_char_bytes(text_of(bytes, len - 1)) != 0)
            fail_msg("U+%04X cut off", code);
    }
}

static void what_rfc_3629_forbids_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3\x28",
        "\xe2\x28\xa1",
        "\xf0\x9f\x28\x80",
        "plain text \xe2 ",
        "\xf8\x88\x80\x80",
        "0123456\xc3",
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        if (utf8_valid(text(wrong[i])))
            fail_msg("accepted case %zu", i);
}

static void a_character_cut_anywhere_may_go_on(void **state)
{
    char bytes[1 + 4] = "a";
    size_t whole;

    for (uint32_t code = 0x80; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        const size_t len = utf8_encode(code, bytes + 1);
        for (size_t cut = 1; cut < len; cut++)
            if (!utf8_valid_start(text_of(bytes, 1 + cut), &whole) || whole != 1)
                fail_msg("U+%04X after %zu bytes", code, cut);
        if (!utf8_valid_start(text_of(bytes, 1 + len), &whole) || whole != 1 + len)
            fail_msg("U+%04X", code);
    }
    assert_true(utf8_valid_start((struct text){0}, &whole));
    assert_int_equal(whole, 0);
}

static void what_cannot_go_on_is_known_at_the_byte_that_spoils_it(void **state)
{
    static const char *const spoilt[] = {
        "\x80",         "\xc1",         "\xe0\x9f",     "\xed\xa0",         "\xf0\x8f",
        "\xf4\x90",     "\xf5",         "\xc3\x28",     "\xe2\x82\x28",     "\xf0\x9f\x98\x28",
        "\xf0\x9f\x28", "tea \xc3 tea", "\xe2\x82\xe2", "0123456\xc3\xc3",
    };
    for (size_t i = 0; i < ARRAY_COUNT(spoilt); i++) {
        size_t whole;
        if (utf8_valid_start(text(spoilt[i]), &whole))
            fail_msg("accepted case %zu", i);
    }
}

static void good_text_is_good_at_every_offset(void **state)
{
    static const char pad[] = "................", *good = "aé€😀z";
    for (size_t before = 0; before <= 16; before++) {
        char whole[64];
        memcpy(whole, pad, before);
        memcpy(whole + before, good, strlen(good) + 1);
        assert_true(utf8_valid(text(whole)));
    }
    assert_true(utf8_valid((struct text){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_written_and_read),
        cmocka_unit_test(what_rfc_3629_forbids_is_refused),
        cmocka_unit_test(a_character_cut_anywhere_may_go_on),
        cmocka_unit_test(what_cannot_go_on_is_known_at_the_byte_that_spoils_it),
        cmocka_unit_test(good_text_is_good_at_every_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
