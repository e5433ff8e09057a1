#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/protocol/fossil.h"

#define ABC_100 TEXT("{\"price\":100,\"symbol\":\"ABC\",\"venue\":\"XYZ\"}")
#define ABC_101 TEXT("{\"price\":101,\"symbol\":\"ABC\",\"venue\":\"XYZ\"}")

static void assert_text(struct text found, struct text expected)
{
    assert_int_equal(found.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(found.at, expected.at, expected.len);
}

/* Makes the delta both ways, applies it, and returns the length of the one for text. */
static size_t round_trip(struct text source, struct text target)
{
    size_t len = 0;

    for (int as_text = 0; as_text <= 1; as_text++) {
        struct buf delta = {0}, made = {0};

        fossil_delta(&delta, source, target, as_text);
        assert_true(fossil_apply(&made, source, buf_text(&delta)));
        assert_text(buf_text(&made), target);
        if (as_text)
            assert_true(utf8_valid(buf_text(&delta)));
        len = delta.len;
        buf_fini(&delta);
        buf_fini(&made);
    }
    return len;
}

static void assert_delta(struct text source, struct text target, bool as_text, struct text expected)
{
    struct buf delta = {0};

    fossil_delta(&delta, source, target, as_text);
    assert_text(buf_text(&delta), expected);
    buf_fini(&delta);
    round_trip(source, target);
}

/* ---- making ---- */

static void one_changed_digit_is_two_copies_and_that_digit(void **state)
{
    /* The example that the npm client was seen to accept. */
    assert_delta(ABC_100, ABC_101, true, TEXT("f\nB@0,1:1U@C,3uQWtP;"));
    assert_delta(ABC_100, ABC_101, false, TEXT("f\nB@0,1:1U@C,3uQWtP;"));
}

static void equal_texts_are_one_copy(void **state)
{
    assert_delta(ABC_101, ABC_101, true, TEXT("f\nf@0,3uQWtP;"));
}

static void without_a_source_all_is_literal(void **state)
{
    assert_delta((struct text){0}, TEXT("tea"), true, TEXT("3\n3:tea1pPM40;"));
    assert_delta((struct text){0}, (struct text){0}, true, TEXT("0\n0;"));
    assert_delta(ABC_100, (struct text){0}, true, TEXT("0\n0;"));
}

static void copies_that_do_not_pay_off_are_left_out(void **state)
{
    assert_delta(TEXT("abcd"), TEXT("abcdX"), true, TEXT("5\n5:abcdX2uObD_;"));
}

static void what_moved_is_found(void **state)
{
#define KETTLE "the kettle is on the stove, and warm already"
#define CUPS   "the cups are in the cupboard, where they belong"
    const struct text source = TEXT("[\"" KETTLE "\",\"" CUPS "\"]");
    const struct text target = TEXT("{\"b\":\"" CUPS "\",\"a\":\"" KETTLE "\"}");
    assert_true(round_trip(source, target) < 40);
}

static void a_change_on_each_side_leaves_the_middle_a_copy(void **state)
{
    const struct text source =
        TEXT("{\"bid\":100,\"symbol\":\"ABC\",\"venue\":\"XYZ\",\"currency\":\"EUR\",\"ask\":102}");
    const struct text target = TEXT(
        "{\"bid\":99,\"symbol\":\"ABC\",\"venue\":\"XYZ\",\"currency\":\"EUR\",\"ask\":101.5}");
    assert_true(round_trip(source, target) < 40);
}

static void a_literal_never_cuts_a_character(void **state)
{
    /* Both letters begin with d0: as bytes they differ in the second alone. */
    const struct text source = TEXT("{\"text\":\"\u043f\"}"),
                      target = TEXT("{\"text\":\"\u0430\"}");
    struct buf bytes = {0}, letters = {0};

    fossil_delta(&bytes, source, target, false);
    fossil_delta(&letters, source, target, true);
    assert_false(utf8_valid(buf_text(&bytes)));
    assert_true(utf8_valid(buf_text(&letters)));
    buf_fini(&bytes);
    buf_fini(&letters);
    round_trip(source, target);
}

/* A page of Russian with emoji between, one word of which is another in the target. */
static void a_changed_word_of_a_long_russian_text_makes_a_short_delta(void **state)
{
    struct buf source = {0}, target = {0};

    for (int i = 0; i < 40; i++) {
        buf_add_text(&source,
                     TEXT("\u0427\u0430\u0439 \u0433\u043e\u0442\u043e\u0432 \U0001f375 "));
        buf_add_text(&target,
                     i == 20
                         ? TEXT("\u041a\u043e\u0444\u0435 \u0433\u043e\u0442\u043e\u0432 \u2615 ")
                         : TEXT("\u0427\u0430\u0439 \u0433\u043e\u0442\u043e\u0432 \U0001f375 "));
    }
    assert_true(round_trip(buf_text(&source), buf_text(&target)) < 60);
    buf_fini(&source);
    buf_fini(&target);
}

/* Blocks that are all equal, and a target of their parts: each position has thousands of
 * candidates. */
static void repetition_costs_no_more_than_anything_else(void **state)
{
    enum { LEN = 1 << 20 };
    char *source = xmalloc(LEN), *target = xmalloc(LEN);

    memset(source, 'a', LEN);
    memset(target, 'a', LEN);
    for (size_t i = 0; i < LEN; i += 40)
        target[i] = 'b';
    const int64_t before = clock_mono_ms();
    round_trip(text_of(source, LEN), text_of(target, LEN));
    assert_true(clock_mono_ms() - before < 5000); /* all tries of all positions would take hours */
    free(source);
    free(target);
}

/* Random edits of random letters, few enough of them that much repeats. */
static void every_delta_makes_its_target(void **state)
{
    static const char *const letters[] = {"a",      "b",          "\u044f",
                                          "\u20ac", "\U0001f375", "aaaaaaaaaaaaaaaaaaaa"};
    unsigned seed = 1;

    for (int round = 0; round < 2000; round++) {
        struct buf source = {0}, target = {0};
        const unsigned count = (unsigned)round % 100;

        for (unsigned i = 0; i < count; i++) {
            seed = seed * 1664525u + 1013904223u;
            const struct text letter = text(letters[(seed >> 16) % ARRAY_COUNT(letters)]);
            buf_add_text(&source, letter);
            if ((seed >> 24) % 8 != 0)
                buf_add_text(&target, letter);
            if ((seed >> 24) % 8 == 1)
                buf_add_text(&target, text(letters[(seed >> 20) % ARRAY_COUNT(letters)]));
        }
        round_trip(buf_text(&source), buf_text(&target));
        round_trip(buf_text(&target), buf_text(&source));
        buf_fini(&source);
        buf_fini(&target);
    }
}

/* ---- applying ---- */

static void what_is_made_is_appended(void **state)
{
    struct buf out = {0};

    buf_add_text(&out, TEXT("before "));
    assert_false(fossil_apply(&out, TEXT("a cup of tea"), TEXT("3\n3@9,1pPM41;")));
    assert_text(buf_text(&out), TEXT("before "));
    assert_true(fossil_apply(&out, TEXT("a cup of tea"), TEXT("3\n3@9,1pPM40;")));
    assert_text(buf_text(&out), TEXT("before tea"));
    buf_fini(&out);
}

static void broken_deltas_are_refused(void **state)
{
    static const struct text bad[] = {
        TEXT(""),
        TEXT("3"),
        TEXT("3\n"),
        TEXT("\n3@9,1pPM40;"),        /* no length */
        TEXT("3 3@9,1pPM40;"),        /* something else after it */
        TEXT("3\n3@9,"),              /* no end */
        TEXT("3\n3@9,1pPM40"),        /* nearly no end */
        TEXT("3\n3@9,1pPM41;"),       /* another checksum */
        TEXT("3\n3@9,1pPM40;x"),      /* something after the end */
        TEXT("3\n3@9;1pPM40;"),       /* a copy that ends in something else */
        TEXT("3\n3@a,1pPM40;"),       /* beyond the source */
        TEXT("3\n3@D,1pPM40;"),       /* all of it */
        TEXT("3\n3@3~~~~~,1pPM40;"),  /* far beyond it */
        TEXT("3\n4@8,1pPM40;"),       /* more than announced */
        TEXT("3\n2@9,1pPM40;"),       /* less */
        TEXT("4\n3@9,1pPM40;"),       /* less, with the checksum of what is made */
        TEXT("3\n3:te"),              /* a literal cut off */
        TEXT("3\n3:tea1pPM40"),       /* a checksum cut off */
        TEXT("3\n3#tea1pPM40;"),      /* an unknown segment */
        TEXT("4~~~~~~\n3@9,1pPM40;"), /* numbers beyond 32 bits */
        TEXT("3\n4000000@9,1pPM40;"),
        TEXT("3\n0000003@9,1pPM40;"), /* or with more digits than those need */
    };
    struct buf out = {0};

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(fossil_apply(&out, TEXT("a cup of tea"), bad[i]));
        assert_int_equal(out.len, 0);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_changed_digit_is_two_copies_and_that_digit),
        cmocka_unit_test(equal_texts_are_one_copy),
        cmocka_unit_test(without_a_source_all_is_literal),
        cmocka_unit_test(copies_that_do_not_pay_off_are_left_out),
        cmocka_unit_test(what_moved_is_found),
        cmocka_unit_test(a_change_on_each_side_leaves_the_middle_a_copy),
        cmocka_unit_test(a_literal_never_cuts_a_character),
        cmocka_unit_test(a_changed_word_of_a_long_russian_text_makes_a_short_delta),
        cmocka_unit_test(repetition_costs_no_more_than_anything_else),
        cmocka_unit_test(every_delta_makes_its_target),
        cmocka_unit_test(what_is_made_is_appended),
        cmocka_unit_test(broken_deltas_are_refused),
    };
    return cmocka_run_group_tests_name("fossil", tests, NULL, NULL);
}
