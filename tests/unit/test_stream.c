#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "gateway/broker/memory/stream.h"

#define NOW    1000
#define TTL    300
#define META   5000
#define MUCH   ((size_t)1 << 20)
#define NO_END UINT64_MAX

struct shelf {
    struct stream_store store;
    struct stream *stream;
    struct stream_bounds bounds;
};

static int setup(void **state)
{
    struct shelf *shelf = xcalloc(1, sizeof(*shelf));

    id_init();
    shelf->store.max_bytes = MUCH;
    shelf->bounds = (struct stream_bounds){.size = 5, .ttl_ms = TTL, .meta_ttl_ms = META};
    shelf->stream = stream_create(&shelf->store, shelf, META, NOW);
    *state = shelf;
    return 0;
}

static int teardown(void **state)
{
    struct shelf *shelf = *state;

    if (shelf->stream != NULL)
        stream_destroy(shelf->stream);
    stream_store_fini(&shelf->store);
    free(shelf);
    return 0;
}

#define SHELF_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void publish_tagged(struct shelf *shelf, struct stream *stream, struct text data,
                           const char *lang, int64_t now_ms)
{
    const struct tag tag = {TEXT("lang"), text(lang)};
    struct parcel *parcel = parcel_create(&(struct parcel_content){
        .channel = TEXT("news"),
        .data = data,
        .offset = stream->top + 1,
        .epoch = stream_epoch(stream),
        .tags = &tag,
        .tag_count = lang != NULL,
    });

    stream_add(stream, parcel, &shelf->bounds, now_ms);
    parcel_unref(parcel);
}

static void publish(struct shelf *shelf, size_t count)
{
    while (count-- > 0)
        publish_tagged(shelf, shelf->stream, TEXT("{\"n\":1}"), NULL, NOW);
}

/* ---- 7.3 ---- */

struct recovery {
    const char *what;
    size_t published, kept; /* `kept`: the size of the stream; 0: all that was kept is gone */
    uint64_t offset;
    const char *epoch; /* "=": the stream's */
    size_t max_count, max_bytes;
    bool recovered;
    uint64_t from;
    size_t count;
};

static const struct recovery recoveries[] = {
    {"nothing missed", 10, 5, 10, "=", 300, MUCH, true, 0, 0},
    {"some missed", 10, 5, 7, "=", 300, MUCH, true, 8, 3},
    {"all that is kept missed", 10, 5, 5, "=", 300, MUCH, true, 6, 5},
    {"as many as may be", 10, 5, 7, "=", 3, MUCH, true, 8, 3},
    {"one more than is kept missed", 10, 5, 4, "=", 300, MUCH, false, 0, 0},
    {"from the beginning, which is gone", 10, 5, 0, "", 300, MUCH, false, 0, 0},
    {"from the beginning, which is kept", 5, 5, 0, "", 300, MUCH, true, 1, 5},
    {"the beginning with the epoch", 5, 5, 0, "=", 300, MUCH, true, 1, 5},
    {"any epoch", 10, 5, 7, "", 300, MUCH, true, 8, 3},
    {"another epoch, nothing missed", 10, 5, 10, "oldEpoch", 300, MUCH, false, 0, 0},
    {"another epoch, some missed", 10, 5, 7, "oldEpoch", 300, MUCH, false, 0, 0},
    {"too many", 10, 5, 6, "=", 3, MUCH, false, 0, 0},
    {"too many bytes", 10, 5, 7, "=", 300, 20, false, 0, 0},
    {"as many bytes as may be", 10, 5, 7, "=", 300, 21, true, 8, 3},
    {"recovery of none at all, nothing missed", 10, 5, 10, "=", 0, MUCH, true, 0, 0},
    {"recovery of none at all, some missed", 10, 5, 9, "=", 0, MUCH, false, 0, 0},
    {"the next offset", 10, 5, 11, "=", 300, MUCH, false, 0, 0},
    {"the last of all offsets", 10, 5, NO_END, "=", 300, MUCH, false, 0, 0},
    {"expired, nothing missed", 10, 0, 10, "=", 300, MUCH, true, 0, 0},
    {"expired, one missed", 10, 0, 9, "=", 300, MUCH, false, 0, 0},
    {"expired, from the future", 10, 0, 12, "=", 300, MUCH, false, 0, 0},
    {"nothing was ever published", 0, 0, 0, "", 300, MUCH, true, 0, 0},
    {"nothing was published in this epoch", 0, 0, 0, "oldEpoch", 300, MUCH, false, 0, 0},
    {"nothing was published, from the future", 0, 0, 3, "", 300, MUCH, false, 0, 0},
};

static struct text epoch_of(const struct shelf *shelf, const char *epoch)
{
    return epoch[0] == '=' ? stream_epoch(shelf->stream) : text(epoch);
}

static void what_was_missed_is_recovered_when_it_is_all(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(recoveries); i++) {
        const struct recovery *row = &recoveries[i];
        struct stream_range missed;
        void *own;
        setup(&own);
        struct shelf *shelf = own;

        shelf->bounds.size = row->kept > 0 ? row->kept : 5;
        publish(shelf, row->published);
        if (row->kept == 0)
            stream_clear(shelf->stream);
        const bool recovered = stream_recover(
            shelf->stream, (struct stream_position){row->offset, epoch_of(shelf, row->epoch)},
            row->max_count, row->max_bytes, &missed);
        if (recovered != row->recovered || missed.from != row->from || missed.count != row->count)
            fail_msg("%s", row->what);
        teardown(&own);
    }
}

/* ---- 7.4 ---- */

struct cached {
    const char *what;
    size_t published;
    bool is_expired, top_is_skipped; /* skipped: the last was too large to be kept */
    uint64_t offset;
    const char *epoch;
    bool recovered;
    uint64_t latest; /* 0: none is sent */
};

static const struct cached caches[] = {
    {"it is the top", 3, false, false, 3, "=", true, 0},
    {"behind", 3, false, false, 1, "=", true, 3},
    {"never there", 3, false, false, 0, "", true, 3},
    {"another epoch", 3, false, false, 3, "oldEpoch", true, 3},
    {"the top without an epoch", 3, false, false, 3, "", true, 3},
    {"from the future", 3, false, false, 9, "=", true, 3},
    {"expired, it is the top", 3, true, false, 3, "=", true, 0},
    {"expired, behind", 3, true, false, 2, "=", false, 0},
    {"expired, another epoch", 3, true, false, 3, "oldEpoch", false, 0},
    {"the last was not kept, behind", 3, false, true, 3, "=", false, 0},
    {"the last was not kept, it is the top", 3, false, true, 4, "=", true, 0},
    {"nothing was published", 0, false, false, 0, "=", true, 0},
    {"nothing was published, never there", 0, false, false, 0, "", false, 0},
};

static void the_latest_publication_is_enough_in_cache_mode(void **state)
{
    char huge[2000];

    memset(huge, '1', sizeof(huge));
    for (size_t i = 0; i < ARRAY_COUNT(caches); i++) {
        const struct cached *row = &caches[i];
        struct parcel *latest;
        void *own;
        setup(&own);
        struct shelf *shelf = own;

        publish(shelf, row->published);
        if (row->is_expired)
            streams_expire(&shelf->store, NOW + TTL);
        shelf->store.max_bytes = row->top_is_skipped ? 2000 : MUCH;
        if (row->top_is_skipped)
            publish_tagged(shelf, shelf->stream, text_of(huge, sizeof(huge)), NULL, NOW);
        const bool recovered = stream_recover_latest(
            shelf->stream, (struct stream_position){row->offset, epoch_of(shelf, row->epoch)}, NULL,
            &latest);
        if (recovered != row->recovered || (latest != NULL ? latest->offset : 0) != row->latest)
            fail_msg("%s", row->what);
        teardown(&own);
    }
}

static void the_latest_that_passes_the_filter_is_sent_in_cache_mode(void **state)
{
    struct shelf *shelf = *state;
    struct stream *stream = shelf->stream;
    const struct stream_position since = {0};
    struct filter *filter;
    struct parcel *latest;

    assert_int_equal(
        filter_read_json(&filter, TEXT("{\"key\":\"lang\",\"cmp\":\"eq\",\"val\":\"go\"}")),
        ERR_OK);
    publish_tagged(shelf, stream, TEXT("1"), "c", NOW);
    assert_true(stream_recover_latest(stream, since, filter, &latest));
    assert_null(latest);
    publish_tagged(shelf, stream, TEXT("2"), "go", NOW);
    publish_tagged(shelf, stream, TEXT("3"), "c", NOW);
    assert_true(stream_recover_latest(stream, since, filter, &latest));
    assert_int_equal(latest->offset, 2);
    filter_destroy(filter);
}

/* ---- reading ---- */

struct reading {
    const char *what;
    bool reverse;
    uint64_t offset;
    size_t limit;
    uint64_t from;
    size_t count;
};

/* 10 published, 6 to 10 are kept. */
static const struct reading readings[] = {
    {"all", false, 0, SIZE_MAX, 6, 5},
    {"the first two", false, 0, 2, 6, 2},
    {"none", false, 0, 0, 6, 0},
    {"after a lost one", false, 2, SIZE_MAX, 6, 5},
    {"after the one before the oldest", false, 5, SIZE_MAX, 6, 5},
    {"after the oldest", false, 6, SIZE_MAX, 7, 4},
    {"after the last but one", false, 9, SIZE_MAX, 10, 1},
    {"after the last", false, 10, SIZE_MAX, 0, 0},
    {"after the end of time", false, NO_END, SIZE_MAX, 0, 0},
    {"before the next", true, 11, SIZE_MAX, 10, 5},
    {"the last two", true, 11, 2, 10, 2},
    {"before the last", true, 10, SIZE_MAX, 9, 4},
    {"before the second", true, 7, SIZE_MAX, 6, 1},
    {"before the oldest", true, 6, SIZE_MAX, 0, 0},
    {"before a lost one", true, 3, SIZE_MAX, 0, 0},
    {"before the first of all", true, 1, SIZE_MAX, 0, 0},
    {"before nothing", true, 0, SIZE_MAX, 0, 0},
    {"before one of the future", true, 12, SIZE_MAX, 0, 0},
};

static void a_stream_is_read_up_and_down(void **state)
{
    struct shelf *shelf = *state;

    publish(shelf, 10);
    for (size_t i = 0; i < ARRAY_COUNT(readings); i++) {
        const struct reading *row = &readings[i];
        const struct stream_range range =
            row->reverse ? stream_before(shelf->stream, row->offset, row->limit)
                         : stream_after(shelf->stream, row->offset, row->limit);
        if (range.count != row->count || (row->count > 0 && range.from != row->from))
            fail_msg("%s", row->what);
    }
    assert_int_equal(stream_at(shelf->stream, 6)->offset, 6);
    assert_int_equal(stream_at(shelf->stream, 10)->offset, 10);
    assert_null(stream_at(shelf->stream, 5));
    assert_null(stream_at(shelf->stream, 11));
}

/* ---- what is kept, and how long ---- */

static void an_epoch_is_eight_letters_and_new_each_time(void **state)
{
    struct shelf *shelf = *state;
    struct stream *other = stream_create(&shelf->store, NULL, META, NOW);

    for (int i = 0; i < STREAM_EPOCH_BYTES; i++)
        assert_true((other->epoch[i] | 32) >= 'a' && (other->epoch[i] | 32) <= 'z');
    assert_false(text_equal(stream_epoch(other), stream_epoch(shelf->stream)));
    assert_int_equal(other->top, 0);
    stream_destroy(other);
}

static void publications_go_when_their_time_has_passed_and_the_offset_stays(void **state)
{
    struct shelf *shelf = *state;
    const struct text epoch = stream_epoch(shelf->stream);

    publish(shelf, 2);
    publish_tagged(shelf, shelf->stream, TEXT("3"), NULL, NOW + 100);
    streams_expire(&shelf->store, NOW + 100 + TTL - 1);
    assert_int_equal(stream_after(shelf->stream, 0, SIZE_MAX).count, 3);
    streams_expire(&shelf->store, NOW + 100 + TTL);
    assert_int_equal(stream_after(shelf->stream, 0, SIZE_MAX).count, 0);
    assert_int_equal(shelf->stream->top, 3);
    assert_true(text_equal(stream_epoch(shelf->stream), epoch));
    assert_int_equal(shelf->store.bytes, 0);
    publish(shelf, 1);
    assert_int_equal(stream_latest(shelf->stream)->offset, 4);
}

static void a_stream_is_forgotten_so_long_after_its_last_use(void **state)
{
    struct shelf *shelf = *state;

    publish_tagged(shelf, shelf->stream, TEXT("1"), NULL, NOW + 10);
    stream_touch(shelf->stream, META, NOW + 20);
    assert_null(streams_forgotten(&shelf->store, NOW + 20 + META - 1));
    assert_ptr_equal(streams_forgotten(&shelf->store, NOW + 20 + META), shelf->stream);
    stream_keep(shelf->stream, NOW + 20 + META);
    assert_null(streams_forgotten(&shelf->store, NOW + 20 + META));
    assert_ptr_equal(streams_forgotten(&shelf->store, NOW + 20 + 2 * META), shelf->stream);
}

static void times_of_different_length_do_not_wait_for_each_other(void **state)
{
    struct shelf *shelf = *state;
    struct stream *brief = stream_create(&shelf->store, NULL, 50, NOW + 1);

    assert_ptr_equal(streams_forgotten(&shelf->store, NOW + 51), brief);
    stream_destroy(brief);
    assert_null(streams_forgotten(&shelf->store, NOW + 51));
}

static void over_the_bound_the_oldest_of_all_streams_goes_first(void **state)
{
    struct shelf *shelf = *state;
    struct stream *other = stream_create(&shelf->store, NULL, META, NOW);

    publish_tagged(shelf, other, TEXT("old"), NULL, NOW);
    publish(shelf, 2);
    shelf->store.max_bytes = shelf->store.bytes;
    publish_tagged(shelf, other, TEXT("new"), NULL, NOW);
    assert_int_equal(stream_latest(other)->offset, 2);
    assert_null(stream_at(other, 1));
    publish(shelf, 1);
    assert_null(stream_at(shelf->stream, 1));
    assert_non_null(stream_at(shelf->stream, 3));
    assert_true(shelf->store.bytes <= shelf->store.max_bytes);
    assert_int_equal(shelf->store.evictions, 2);
    stream_destroy(other);
}

static void a_version_is_old_in_its_own_epoch(void **state)
{
    struct stream *stream = ((struct shelf *)*state)->stream;

    assert_false(stream_has_version(stream, 1, (struct text){0}));
    stream_set_version(stream, 5, TEXT("a"));
    assert_true(stream_has_version(stream, 5, TEXT("a")));
    assert_true(stream_has_version(stream, 4, (struct text){0}));
    assert_false(stream_has_version(stream, 6, TEXT("a")));
    assert_false(stream_has_version(stream, 1, TEXT("b")));
    stream_set_version(stream, 1, TEXT("b"));
    assert_true(stream_has_version(stream, 1, TEXT("b")));
}

static void streams_without_publications_stand_by_age(void **state)
{
    struct shelf *shelf = *state;
    struct stream *second = stream_create(&shelf->store, NULL, META, NOW);

    assert_ptr_equal(shelf->store.empty, shelf->stream);
    publish(shelf, 1);
    assert_ptr_equal(shelf->store.empty, second);
    stream_clear(shelf->stream);
    assert_ptr_equal(shelf->store.empty, second);
    stream_pass_over(second);
    assert_ptr_equal(shelf->store.empty, shelf->stream);
    stream_destroy(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_missed_is_recovered_when_it_is_all),
        cmocka_unit_test(the_latest_publication_is_enough_in_cache_mode),
        SHELF_TEST(the_latest_that_passes_the_filter_is_sent_in_cache_mode),
        SHELF_TEST(a_stream_is_read_up_and_down),
        SHELF_TEST(an_epoch_is_eight_letters_and_new_each_time),
        SHELF_TEST(publications_go_when_their_time_has_passed_and_the_offset_stays),
        SHELF_TEST(a_stream_is_forgotten_so_long_after_its_last_use),
        SHELF_TEST(times_of_different_length_do_not_wait_for_each_other),
        SHELF_TEST(over_the_bound_the_oldest_of_all_streams_goes_first),
        SHELF_TEST(a_version_is_old_in_its_own_epoch),
        SHELF_TEST(streams_without_publications_stand_by_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
