/* Who is meant by a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/model/mention.h"
#include "base/base.h"
#include "base/buf.h"

/* "ada. (ada) bob" and "*" for the room. */
static void assert_found(const char *message, const char *expected)
{
    struct mentions found;
    struct buf all = {0};

    const bool any = mentions_find(text(message), MENTION_MOST, &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct mention *m = &found.list[i];
        buf_printf(&all, "%s%.*s", all.len > 0 ? " " : "", (int)m->len, m->login);
        if (m->short_len != m->len)
            buf_printf(&all, " (%.*s)", (int)m->short_len, m->login);
    }
    if (found.room)
        buf_printf(&all, "%s*", all.len > 0 ? " " : "");
    assert_string_equal(buf_cstring(&all), expected);
    assert_int_equal(any, expected[0] != '\0');
    buf_fini(&all);
}

static void names_behind_an_at_are_found_in_their_order(void **state)
{
    assert_found("@ada", "ada");
    assert_found("hello @ada and @bob_2", "ada bob_2");
    assert_found("(@ada),@bob;@cy!", "ada bob cy");
    assert_found("@a.b-c_d", "a.b-c_d");
    assert_found("@x@", "");
}

static void capitals_are_no_other_name(void **state)
{
    assert_found("@ADA @Ada @ada", "ada");
}

static void each_is_found_once(void **state)
{
    assert_found("@ada @bob @ada", "ada bob");
}

static void without_a_name_nobody_is_meant(void **state)
{
    static const char *const texts[] = {"", "@", "@@", "@ ada", "no at", "@!", "@.", "@a", "100 @ 5"};

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        assert_found(texts[i], "");
}

static void addresses_are_no_mentions(void **state)
{
    assert_found("ada@example.org", "");
    assert_found("mail.@example", "");
    assert_found("@ada@example.org", "");
    assert_found("@@ada", "");
    assert_found("a_@ada", "");
}

static void letters_of_other_scripts_end_a_word(void **state)
{
    assert_found("\xe4\xbd\xa0\xe5\xa5\xbd@ada\xe5\x90\x97", "ada");
    assert_found("\xf0\x9f\xab\x96@bob\xf0\x9f\xab\x96", "bob");
}

static void points_and_dashes_behind_a_name_may_be_the_sentences(void **state)
{
    assert_found("ask @ada.", "ada. (ada)");
    assert_found("@ada... or @bob-", "ada... (ada) bob- (bob)");
    assert_found("@ada.b.", "ada.b. (ada.b)");
}

static void the_whole_room_is_meant_by_its_name(void **state)
{
    assert_found("@room", "*");
    assert_found("@Room. look, @ada", "ada *");
    assert_found("@rooms @roo @room-", "rooms roo *");
}

static void what_is_longer_than_a_login_is_none(void **state)
{
    char message[80] = "@";

    memset(message + 1, 'x', 32);
    assert_found(message, message + 1);
    memset(message + 1, 'x', 33);
    assert_found(message, "");
    memset(message + 4, '.', 60);
    assert_found(message, "xxx");
}

static void no_more_are_looked_at_than_asked_for(void **state)
{
    struct mentions found;
    struct buf many = {0};

    for (int i = 0; i < 2 * MENTION_MOST; i++)
        buf_printf(&many, "@name%d ", i);
    buf_printf(&many, "@room");
    assert_true(mentions_find(buf_text(&many), 5, &found));
    assert_int_equal(found.count, 5);
    assert_true(found.room);
    assert_true(mentions_find(buf_text(&many), SIZE_MAX, &found));
    assert_int_equal(found.count, MENTION_MOST);
    buf_fini(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_behind_an_at_are_found_in_their_order),
        cmocka_unit_test(capitals_are_no_other_name),
        cmocka_unit_test(each_is_found_once),
        cmocka_unit_test(without_a_name_nobody_is_meant),
        cmocka_unit_test(addresses_are_no_mentions),
        cmocka_unit_test(letters_of_other_scripts_end_a_word),
        cmocka_unit_test(points_and_dashes_behind_a_name_may_be_the_sentences),
        cmocka_unit_test(the_whole_room_is_meant_by_its_name),
        cmocka_unit_test(what_is_longer_than_a_login_is_none),
        cmocka_unit_test(no_more_are_looked_at_than_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
