#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/memory_place.h"

struct history_row {
    const char *what;
    int32_t limit;
    bool has_since, reverse;
    uint64_t offset;
    const char *epoch; /* "=": the stream's */
    bool is_api;
    int error;
    uint64_t first, last;
    size_t count;
};

/* 6 published, 2 to 6 are kept, a client is told 3 at most. */
static const struct history_row history_rows[] = {
    {"position alone", 0},
    {"as many as a client may have", ALL, .first = 2, .last = 4, .count = 3},
    {"more than a client may have", 100, .first = 2, .last = 4, .count = 3},
    {"all, for the API", ALL, .is_api = true, .first = 2, .last = 6, .count = 5},
    {"many, for the API", 4, .is_api = true, .first = 2, .last = 5, .count = 4},
    {"the latest", 2, .reverse = true, .first = 6, .last = 5, .count = 2},
    {"since", ALL, .has_since = true, .offset = 4, .epoch = "=", .first = 5, .last = 6, .count = 2},
    {"since, of any epoch", 1, .has_since = true, .offset = 4, .first = 5, .last = 5, .count = 1},
    {"since a lost one", 1, .has_since = true, .epoch = "=", .first = 2, .last = 2, .count = 1},
    {"since the top", ALL, .has_since = true, .offset = 6, .epoch = "="},
    {"back from", 2, true, true, 4, "=", .first = 3, .last = 2, .count = 2},
    {"back from a lost one", 2, true, true, 1, "="},
    {"back from zero", 2, true, true, 0, "=", .error = PROTOCOL_BAD_REQUEST},
    {"another epoch", ALL, true, false, 4, "oldEpoch", .error = PROTOCOL_UNRECOVERABLE},
    {"another epoch, position alone", 0, true, false, 4, "oldEpoch",
     .error = PROTOCOL_UNRECOVERABLE},
};

static void check_history(struct gateway *gateway, const struct history_row *row, struct text epoch)
{
    struct request *request = history(gateway, "news:a", row->limit);

    request->has_since = row->has_since;
    request->reverse = row->reverse;
    request->offset = row->offset;
    if (row->epoch != NULL)
        request->epoch = request_keep(request, row->epoch[0] == '=' ? epoch : text(row->epoch));
    if (row->is_api)
        request->client = NULL;
    ask(gateway, request);
    const size_t count = request->publication_count;
    const bool is_right =
        row->error != 0
            ? request->outcome == REQUEST_FAILED && request->error == row->error
            : request->outcome == REQUEST_DONE && count == row->count && request->position == 6 &&
                  text_equal(request->position_epoch, epoch) &&
                  (count == 0 || (request->publications[0]->offset == row->first &&
                                  request->publications[count - 1]->offset == row->last));
    if (!is_right)
        fail_msg("%s", row->what);
}

static void history_tells_what_is_kept_and_where_the_top_is(void **state)
{
    struct gateway *gateway = *state;
    struct text epoch = {0};

    for (int i = 0; i < 6; i++)
        epoch = publish(gateway, "news:a", "1")->position_epoch;
    for (size_t i = 0; i < ARRAY_COUNT(history_rows); i++)
        check_history(gateway, &history_rows[i], epoch);
}

static void reading_makes_a_stream(void **state)
{
    struct gateway *gateway = *state;
    const struct request *answer = ask(gateway, history(gateway, "news:a", ALL));

    assert_done(answer);
    assert_int_equal(answer->position, 0);
    assert_true(
        text_equal(answer->position_epoch, publish(gateway, "news:a", "1")->position_epoch));
}

static void history_that_is_off_is_not_available(void **state)
{
    struct gateway *gateway = *state;

    assert_failed(ask(gateway, history(gateway, "plain:a", ALL)), PROTOCOL_NOT_AVAILABLE);
    assert_failed(ask(gateway, question(gateway, REQUEST_HISTORY_REMOVE, "plain:a")),
                  PROTOCOL_NOT_AVAILABLE);
}

static void removed_history_leaves_the_position(void **state)
{
    struct gateway *gateway = *state;
    const struct text epoch = publish(gateway, "news:a", "1")->position_epoch;
    const struct request *answer;

    assert_done(ask(gateway, question(gateway, REQUEST_HISTORY_REMOVE, "news:a")));
    answer = ask(gateway, history(gateway, "news:a", ALL));
    assert_int_equal(answer->publication_count, 0);
    assert_int_equal(answer->position, 1);
    assert_true(text_equal(answer->position_epoch, epoch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(history_tells_what_is_kept_and_where_the_top_is),
        GATEWAY_TEST(reading_makes_a_stream),
        GATEWAY_TEST(history_that_is_off_is_not_available),
        GATEWAY_TEST(removed_history_leaves_the_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
