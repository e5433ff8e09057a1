#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "api/model/excerpt.h"
#include "base/buf.h"

static void assert_excerpt(const char *message, const char *found, bool whole_words, const char *expected)
{
    struct buf bytes = {0};
    struct json_out out = {.buf = &bytes};

    excerpt_write(&out, text(message), text(found), whole_words);
    assert_string_equal(buf_cstring(&bytes), expected);
    assert_true(json_is_valid(buf_text(&bytes)));
    buf_fini(&bytes);
}

static void all_places_of_all_words_are_hits(void **state)
{
    assert_excerpt("tea or Tea or tea", "tea\x01Tea", true, "{\"text\":\"tea or Tea or tea\",\"hits\":[[0,3],[7,10],[14,17]]}");
    assert_excerpt("teatea", "tea", false, "{\"text\":\"teatea\",\"hits\":[[0,6]]}");
    assert_excerpt("a <b>tea</b>", "tea", true, "{\"text\":\"a <b>tea</b>\",\"hits\":[[5,8]]}");
}

static void a_part_of_a_word_is_none(void **state)
{
    assert_excerpt("teapot steam tea", "tea", true, "{\"text\":\"teapot steam tea\",\"hits\":[[13,16]]}");
    assert_excerpt("teapot", "tea", false, "{\"text\":\"teapot\",\"hits\":[[0,3]]}");
}

static void hits_count_utf16_code_units(void **state)
{
    assert_excerpt("é 🍵 tea", "tea", true, "{\"text\":\"é 🍵 tea\",\"hits\":[[5,8]]}");
    assert_excerpt("🍵🍵", "🍵", false, "{\"text\":\"🍵🍵\",\"hits\":[[0,4]]}");
}

static void words_that_do_not_stand_there_are_passed_over(void **state)
{
    assert_excerpt("coffee", "tea", true, "{\"text\":\"coffee\",\"hits\":[]}");
    assert_excerpt("coffee", "", true, "{\"text\":\"coffee\",\"hits\":[]}");
    assert_excerpt("", "tea", true, "{\"text\":\"\",\"hits\":[]}");
    assert_excerpt("coffee", "\x01\x01", true, "{\"text\":\"coffee\",\"hits\":[]}");
}

static void a_long_message_is_cut_between_words_and_characters(void **state)
{
    struct buf message = {0}, bytes = {0};
    struct json_out out = {.buf = &bytes};

    for (int i = 0; i < 100; i++)
        buf_add_text(&message, TEXT("drink 🍵 "));
    buf_add_text(&message, TEXT("kettle "));
    for (int i = 0; i < 100; i++)
        buf_add_text(&message, TEXT("🍵🍵🍵"));
    excerpt_write(&out, buf_text(&message), TEXT("kettle"), true);
    const char *json = buf_cstring(&bytes);
    assert_true(json_is_valid(buf_text(&bytes)));
    assert_ptr_equal(strstr(json, "{\"text\":\"…"), json);
    assert_non_null(strstr(json, "🍵…\",\"hits\":[["));
    assert_null(strchr(strstr(json, "\"hits\":[[") + 9, '[')); /* one */
    buf_fini(&message);
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_places_of_all_words_are_hits),
        cmocka_unit_test(a_part_of_a_word_is_none),
        cmocka_unit_test(hits_count_utf16_code_units),
        cmocka_unit_test(words_that_do_not_stand_there_are_passed_over),
        cmocka_unit_test(a_long_message_is_cut_between_words_and_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
