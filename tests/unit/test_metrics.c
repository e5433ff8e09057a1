#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/metrics.h"
#include "base/metrics_text.h"

/* Two threads' counters and what is read of them. */
struct place {
    struct metrics *sets[2];
    struct buf out;
};

static int make_place(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    for (size_t i = 0; i < 2; i++)
        place->sets[i] = xcalloc(1, sizeof(struct metrics));
    *state = place;
    return 0;
}

static int free_place(void **state)
{
    struct place *place = *state;

    for (size_t i = 0; i < 2; i++)
        free(place->sets[i]);
    buf_fini(&place->out);
    free(place);
    return 0;
}

static const char *print(struct place *place)
{
    buf_reset(&place->out);
    metrics_print(&place->out, place->sets, 2);
    return buf_cstring(&place->out);
}

static void assert_says(struct place *place, const char *line)
{
    char whole[200];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (strstr(print(place), whole) == NULL)
        fail_msg("not said: %s", line);
}

#define SECONDS "parley_gateway_command_duration_seconds"

static void counters_of_all_threads_are_added_up(void **state)
{
    struct place *place = *state;

    metrics_add(place->sets[0], METRIC_DELIVERIES, 40);
    metrics_add(place->sets[1], METRIC_DELIVERIES, 2);
    assert_says(place, "parley_gateway_deliveries_total 42");
    assert_int_equal(metrics_sum(place->sets, 2, METRIC_DELIVERIES), 42);
}

static void subscriptions_are_those_that_have_not_ended(void **state)
{
    struct place *place = *state;

    metrics_add(place->sets[0], METRIC_SUBSCRIBES, 5);
    metrics_add(place->sets[0], METRIC_SUBSCRIPTIONS_ENDED, 2);
    metrics_add(place->sets[1], METRIC_SUBSCRIBES, 1);
    assert_says(place, "parley_gateway_subscriptions 4");
}

static void formats_that_differ_in_compression_only_are_one_line(void **state)
{
    struct place *place = *state;

    metrics_traffic(place->sets[0], FORMAT_WEBSOCKET_JSON, TRAFFIC_BYTES_SENT, 100);
    metrics_traffic(place->sets[1], FORMAT_WEBSOCKET_JSON_DEFLATE, TRAFFIC_BYTES_SENT, 11);
    metrics_traffic(place->sets[1], FORMAT_WEBSOCKET_PROTOBUF, TRAFFIC_BYTES_SENT, 7);
    metrics_traffic(place->sets[0], FORMAT_SSE, TRAFFIC_MESSAGES_SENT, 3);
    assert_says(place,
                "parley_gateway_bytes_sent_total{transport=\"websocket\",protocol=\"json\"} 111");
    assert_says(place,
                "parley_gateway_bytes_sent_total{transport=\"websocket\",protocol=\"protobuf\"} 7");
    assert_says(place, "parley_gateway_messages_sent_total{transport=\"sse\",protocol=\"json\"} 3");
    assert_int_equal(metrics_sum_traffic(place->sets, 2, TRAFFIC_BYTES_SENT), 118);
}

static void codes_have_a_line_each_and_unknown_ones_share_one(void **state)
{
    struct place *place = *state;

    metrics_error(place->sets[0], 103);
    metrics_error(place->sets[1], 103);
    metrics_error(place->sets[0], 1999); /* a back end's own */
    metrics_disconnect(place->sets[0], 3509);
    metrics_disconnect(place->sets[0], 4123);
    metrics_disconnect(place->sets[1], 5000);
    assert_says(place, "parley_gateway_errors_total{code=\"103\"} 2");
    assert_says(place, "parley_gateway_errors_total{code=\"113\"} 0");
    assert_says(place, "parley_gateway_errors_total{code=\"other\"} 1");
    assert_says(place, "parley_gateway_disconnects_total{code=\"1002\"} 0");
    assert_says(place, "parley_gateway_disconnects_total{code=\"3509\"} 1");
    assert_says(place, "parley_gateway_disconnects_total{code=\"other\"} 2");
}

static void drops_are_told_by_reason(void **state)
{
    struct place *place = *state;

    metrics_drop(place->sets[0], DROP_SLOW, 12);
    metrics_drop(place->sets[1], DROP_OVERRUN, 1);
    assert_says(place, "parley_gateway_dropped_total{reason=\"slow\"} 12");
    assert_says(place, "parley_gateway_dropped_total{reason=\"gone\"} 0");
    assert_says(place, "parley_gateway_dropped_total{reason=\"overrun\"} 1");
}

static void a_duration_is_counted_in_its_bucket_and_all_above(void **state)
{
    struct place *place = *state;

    metrics_command(place->sets[0], COMMAND_PUBLISH, 50);      /* the end of a bucket is in it */
    metrics_command(place->sets[1], COMMAND_PUBLISH, 51);
    metrics_command(place->sets[1], COMMAND_PUBLISH, 7000000); /* longer than the last bound */
    assert_says(place, SECONDS "_bucket{command=\"publish\",le=\"5e-05\"} 1");
    assert_says(place, SECONDS "_bucket{command=\"publish\",le=\"0.0001\"} 2");
    assert_says(place, SECONDS "_bucket{command=\"publish\",le=\"5\"} 2");
    assert_says(place, SECONDS "_bucket{command=\"publish\",le=\"+Inf\"} 3");
    assert_says(place, SECONDS "_sum{command=\"publish\"} 7.000101");
    assert_says(place, SECONDS "_count{command=\"publish\"} 3");
    assert_says(place, SECONDS "_count{command=\"rpc\"} 0");
}

static void commands_without_a_reply_are_not_measured(void **state)
{
    struct place *place = *state;

    metrics_command(place->sets[0], COMMAND_PONG, 1);
    metrics_command(place->sets[0], COMMAND_SEND, 1);
    assert_null(strstr(print(place), "command=\"send\""));
    assert_null(strstr(print(place), "command=\"pong\""));
}

static void what_waits_goes_up_and_down_and_its_peak_is_remembered_for_a_while(void **state)
{
    struct place *place = *state;
    struct metrics *set = place->sets[1];

    metrics_turn(set, METRICS_PEAK_MS);
    metrics_waits(set, 0, 5000);
    metrics_waits(set, 0, 300);
    metrics_waits(set, 5000, 0);
    assert_says(place, "parley_gateway_waiting_bytes 300");
    assert_says(place, "parley_gateway_waiting_bytes_largest 5000");
    metrics_turn(set, 2 * METRICS_PEAK_MS - 1);
    metrics_turn(set, 2 * METRICS_PEAK_MS);
    assert_says(place, "parley_gateway_waiting_bytes_largest 5000");
    metrics_waits(set, 300, 400);
    metrics_turn(set, 3 * METRICS_PEAK_MS);
    assert_says(place, "parley_gateway_waiting_bytes_largest 400");
}

/* The name of a line: what stands before a space or a brace, without a histogram's endings. */
static struct text family_of(struct text line)
{
    static const char *const endings[] = {"_bucket", "_sum", "_count"};
    size_t len = 0;

    while (len < line.len && line.at[len] != ' ' && line.at[len] != '{')
        len++;
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        const size_t ending = strlen(endings[i]);
        if (len > ending && memcmp(line.at + len - ending, endings[i], ending) == 0)
            return text_of(line.at, len - ending);
    }
    return text_of(line.at, len);
}

static void every_family_has_its_help_and_type_once_and_before_its_samples(void **state)
{
    struct place *place = *state;
    char *at = (char *)print(place);
    struct text family = {0};
    char *seen[256];
    size_t seen_count = 0;

    for (char *line; (line = strsep(&at, "\n")) != NULL && line[0] != '\0';) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            family = family_of(text(line + 7));
            char *name = strndup(family.at, family.len);
            for (size_t i = 0; i < seen_count; i++)
                assert_string_not_equal(seen[i], name);
            assert_in_range(seen_count, 0, ARRAY_COUNT(seen) - 1);
            seen[seen_count++] = name;
            assert_int_equal(line[strlen(line) - 1], '.');
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_true(text_equal(family_of(text(line + 7)), family));
        } else {
            assert_true(text_equal(family_of(text(line)), family));
        }
    }
    assert_in_range(seen_count, METRIC_COUNT, ARRAY_COUNT(seen));
    while (seen_count > 0)
        free(seen[--seen_count]);
}

static void labels_are_escaped(void **state)
{
    struct place *place = *state;
    struct buf labels = {0};

    metrics_text_label(&labels, "proxy", "a\"b\\c\nd");
    metrics_text_label(&labels, "outcome", "failed");
    metrics_text_sample(&place->out, "calls_total", buf_cstring(&labels), 7);
    assert_string_equal(buf_cstring(&place->out),
                        "calls_total{proxy=\"a\\\"b\\\\c\\nd\",outcome=\"failed\"} 7\n");
    buf_fini(&labels);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, free_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counters_of_all_threads_are_added_up),
        TEST(subscriptions_are_those_that_have_not_ended),
        TEST(formats_that_differ_in_compression_only_are_one_line),
        TEST(codes_have_a_line_each_and_unknown_ones_share_one),
        TEST(drops_are_told_by_reason),
        TEST(a_duration_is_counted_in_its_bucket_and_all_above),
        TEST(commands_without_a_reply_are_not_measured),
        TEST(what_waits_goes_up_and_down_and_its_peak_is_remembered_for_a_while),
        TEST(every_family_has_its_help_and_type_once_and_before_its_samples),
        TEST(labels_are_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
