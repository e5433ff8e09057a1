#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "bus/kept.h"

static void collect(void *context, struct text batch)
{
    struct buf *buf = context;

    buf_add_text(buf, batch);
    buf_add_byte(buf, ' ');
}

/* The batches from..to that are still there, as one text. */
static const char *said(struct buf *buf, const struct kept *kept, uint64_t from, uint64_t to,
                        size_t bytes)
{
    buf_reset(buf);
    kept_each(kept, from, to, bytes, collect, buf);
    return buf_cstring(buf);
}

/* Batches 1..count, called "b1", "b2" ..., one a millisecond. */
static struct kept *kept_of(int count, int age_ms, size_t bytes)
{
    struct kept *kept = kept_create(age_ms, bytes);

    for (int i = 1; i <= count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "b%d", i);
        kept_add(kept, (uint64_t)i, text(name), i);
    }
    return kept;
}

static void what_was_kept_comes_back_in_order(void **state)
{
    struct kept *kept = kept_of(5, 1000, 1 << 20);
    struct buf buf = {0};

    assert_string_equal(said(&buf, kept, 2, 4, 1000), "b2 b3 b4 ");
    assert_string_equal(said(&buf, kept, 0, UINT64_MAX, 1000), "b1 b2 b3 b4 b5 ");
    assert_string_equal(said(&buf, kept, 6, 9, 1000), "");
    assert_string_equal(said(&buf, kept, 4, 2, 1000), "");
    assert_string_equal(said(&buf, kept, 1, 5, 5), "b1 b2 "); /* no more bytes wanted */
    kept_destroy(kept);
    buf_fini(&buf);
}

static void what_is_too_old_goes(void **state)
{
    struct kept *kept = kept_of(5, 10, 1 << 20);
    struct buf buf = {0};

    kept_forget(kept, 13);
    assert_string_equal(said(&buf, kept, 1, 9, 1000), "b3 b4 b5 ");
    kept_add(kept, 6, TEXT("b6"), 100);
    assert_string_equal(said(&buf, kept, 1, 9, 1000), "b6 ");
    assert_int_equal(kept_forgotten(kept), 0); /* by their age alone */
    kept_destroy(kept);
    buf_fini(&buf);
}

static void the_oldest_gives_way_when_bytes_run_out(void **state)
{
    struct kept *kept = kept_of(100, 1000, 1000);
    struct buf buf = {0};
    char large[2000];

    assert_null(strstr(said(&buf, kept, 1, 200, 10000), "b1 "));
    assert_non_null(strstr(said(&buf, kept, 1, 200, 10000), "b100 "));
    assert_true(kept_bytes(kept) <= 1000);
    assert_true(kept_forgotten(kept) > 0);
    memset(large, 'x', sizeof(large));
    kept_add(kept, 101, text_of(large, sizeof(large)), 101); /* alone too large: nothing is left */
    assert_string_equal(said(&buf, kept, 1, 200, 10000), "");
    assert_int_equal(kept_forgotten(kept), 101);
    kept_add(kept, 102, TEXT("b102"), 102);
    assert_string_equal(said(&buf, kept, 1, 200, 10000), "b102 ");
    kept_destroy(kept);
    buf_fini(&buf);
}

static void the_ring_grows_while_it_wraps(void **state)
{
    struct kept *kept = kept_of(1000, 50, 1 << 20); /* about 50 at a time */
    struct buf buf = {0};

    for (uint64_t n = 1001; n <= 1500; n++)
        kept_add(kept, n, TEXT("late"), 1000);
    assert_string_equal(said(&buf, kept, 990, 1002, 1000),
                        "b990 b991 b992 b993 b994 b995 b996 b997 b998 b999 b1000 late late ");
    kept_destroy(kept);
    kept_destroy(NULL);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_comes_back_in_order),
        cmocka_unit_test(what_is_too_old_goes),
        cmocka_unit_test(the_oldest_gives_way_when_bytes_run_out),
        cmocka_unit_test(the_ring_grows_while_it_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
