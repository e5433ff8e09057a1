/* Which slug a name stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/handlers/room_names.h"

static void assert_slug(const char *name, const char *slug)
{
    struct buf out = {0};

    room_slug_of_name(&out, text(name));
    assert_string_equal(buf_cstring(&out), slug);
    buf_fini(&out);
}

static void capitals_and_what_is_between_words_make_no_difference(void **state)
{
    assert_slug("tea", "tea");
    assert_slug("Tea Lovers", "tea-lovers");
    assert_slug("  tea -- lovers! ", "tea-lovers");
    assert_slug("Route 66", "route-66");
}

static void assert_hashed(const char *name, const char *begins)
{
    struct buf out = {0}, again = {0};

    room_slug_of_name(&out, text(name));
    room_slug_of_name(&again, text(name));
    assert_string_equal(buf_cstring(&out), buf_cstring(&again));
    assert_true(text_starts(buf_text(&out), text(begins)));
    assert_in_range(out.len, 12, 64);
    for (size_t i = 0; i < out.len; i++)
        assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789-", out.at[i]));
    buf_fini(&again);
    buf_fini(&out);
}

static void a_name_of_which_too_little_is_left_has_its_hash(void **state)
{
    assert_hashed("чай", "");
    assert_hashed("!", "");
    assert_hashed("x", "x-");
    assert_hashed("Café", "caf-");
    assert_hashed("a name of very many letters, far more than an address has room for, and then some more", "a-name-of-very-many-letters-far-more-than-an-");
}

static void names_that_differ_in_foreign_letters_have_different_slugs(void **state)
{
    struct buf one = {0}, other = {0};

    room_slug_of_name(&one, text("caf\xc3\xa9"));
    room_slug_of_name(&other, text("caf\xc3\xa8"));
    assert_string_not_equal(buf_cstring(&one), buf_cstring(&other));
    buf_fini(&other);
    buf_fini(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capitals_and_what_is_between_words_make_no_difference),
        cmocka_unit_test(a_name_of_which_too_little_is_left_has_its_hash),
        cmocka_unit_test(names_that_differ_in_foreign_letters_have_different_slugs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
