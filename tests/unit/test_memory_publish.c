#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/protocol/fossil.h"
#include "tests/unit/memory_place.h"

static void a_publication_reaches_the_loops_that_listen_before_its_answer(void **state)
{
    struct gateway *gateway = *state;
    const struct parcel *parcel;
    const struct request *answer;

    assert_done(subscribe(gateway, 0, "plain:a"));
    assert_done(subscribe(gateway, 1, "plain:a"));
    post(gateway, publishing(gateway, "plain:a", "{\"n\":1}"));
    parcel = next_parcel(gateway, 1);
    assert_ptr_equal(parcel, next_parcel(gateway, 0));
    assert_text(parcel->channel, "plain:a");
    assert_text(parcel->data, "{\"n\":1}");
    assert_int_equal(parcel->offset, 0);
    assert_true(parcel->is_json);
    answer = next_answer(gateway, 1);
    assert_done(answer);
    assert_int_equal(answer->position, 0);
    assert_int_equal(answer->position_epoch.len, 0);
}

static void a_loop_that_gave_its_reference_back_hears_nothing(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 0, "plain:a");
    subscribe(gateway, 0, "plain:a");
    give_back(gateway, 0, "plain:a", 1, "");
    publish(gateway, "plain:a", "1");
    next_parcel(gateway, 0);
    give_back(gateway, 0, "plain:a", 1, "");
    publish(gateway, "plain:a", "2");
    assert_no_letter(gateway, 0);
}

static void publications_of_a_stream_are_counted(void **state)
{
    struct gateway *gateway = *state;
    const struct request *first = publish(gateway, "news:a", "1");
    const struct request *second = publish(gateway, "news:a", "2");

    assert_int_equal(first->position, 1);
    assert_int_equal(second->position, 2);
    assert_int_equal(first->position_epoch.len, 8);
    assert_true(text_equal(first->position_epoch, second->position_epoch));
}

static void a_publication_says_who_published_and_what_it_is_about(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = publishing(gateway, "news:a", "1");
    const struct client_info info = {.user = TEXT("bob"), .client = TEXT("c2")};
    const struct tag tag = {TEXT("lang"), TEXT("go")};
    const struct parcel *parcel;

    subscribe(gateway, 0, "news:a");
    request_keep_info(request, &info);
    request_keep_tags(request, &tag, 1);
    ask(gateway, request);
    parcel = next_parcel(gateway, 0);
    assert_true(parcel->has_info);
    assert_text(parcel->info.user, "bob");
    assert_int_equal(parcel->tag_count, 1);
    assert_text(parcel->tags[0].value, "go");
    assert_int_equal(parcel->offset, 1);
}

static void what_skips_history_is_delivered_and_not_counted(void **state)
{
    struct gateway *gateway = *state;
    struct request *request = publishing(gateway, "news:a", "2");

    subscribe(gateway, 0, "news:a");
    publish(gateway, "news:a", "1");
    request->skip_history = true;
    assert_int_equal(ask(gateway, request)->position, 0);
    assert_int_equal(publish(gateway, "news:a", "3")->position, 2);
    assert_int_equal(next_parcel(gateway, 0)->offset, 1);
    assert_int_equal(next_parcel(gateway, 0)->offset, 0);
    assert_int_equal(next_parcel(gateway, 0)->offset, 2);
}

static void a_repeated_key_gets_the_same_answer_and_is_not_delivered(void **state)
{
    struct gateway *gateway = *state;
    struct request *first = publishing(gateway, "news:a", "1");
    struct request *repeat = publishing(gateway, "news:a", "1");
    struct request *elsewhere = publishing(gateway, "news:b", "1");
    struct request *const requests[] = {first, repeat, elsewhere};

    for (size_t i = 0; i < ARRAY_COUNT(requests); i++)
        requests[i]->idempotency_key = request_keep(requests[i], TEXT("k"));
    subscribe(gateway, 0, "news:a");
    ask(gateway, first);
    publish(gateway, "news:a", "2");
    ask(gateway, repeat);
    assert_int_equal(repeat->position, 1);
    assert_true(text_equal(repeat->position_epoch, first->position_epoch));
    assert_int_equal(next_parcel(gateway, 0)->offset, 1);
    assert_int_equal(next_parcel(gateway, 0)->offset, 2);
    assert_no_letter(gateway, 0);
    assert_false(text_equal(ask(gateway, elsewhere)->position_epoch, first->position_epoch));
}

static struct request *publish_version(struct gateway *gateway, uint64_t version, const char *epoch)
{
    struct request *request = publishing(gateway, "news:a", "1");

    request->version = version;
    request->version_epoch = request_keep(request, text(epoch));
    return ask(gateway, request);
}

static void an_older_version_is_skipped_and_told_the_top(void **state)
{
    struct gateway *gateway = *state;

    subscribe(gateway, 0, "news:a");
    assert_int_equal(publish_version(gateway, 5, "x")->position, 1);
    assert_int_equal(publish_version(gateway, 5, "x")->position, 1);
    assert_int_equal(publish_version(gateway, 4, "")->position, 1);
    assert_int_equal(publish_version(gateway, 6, "x")->position, 2);
    assert_int_equal(publish_version(gateway, 1, "y")->position, 3);
    for (uint64_t offset = 1; offset <= 3; offset++)
        assert_int_equal(next_parcel(gateway, 0)->offset, offset);
    assert_no_letter(gateway, 0);
}

static struct parcel *publish_delta(struct gateway *gateway, const char *data, bool skip_history)
{
    struct request *request = publishing(gateway, "news:a", data);

    request->delta = true;
    request->skip_history = skip_history;
    ask(gateway, request);
    return next_parcel(gateway, 0);
}

static void a_delta_is_to_the_publication_before_as_it_was_sent(void **state)
{
    struct gateway *gateway = *state;
    const struct parcel *before, *after;
    struct buf made = {0};

    subscribe(gateway, 0, "news:a");
    before =
        publish_delta(gateway, "{\"price\":100,\n \"symbol\":\"ABC\",\"venue\":\"XYZ\"}", false);
    assert_int_equal(before->delta.len, 0);
    after =
        publish_delta(gateway, "{\"price\":101,\n \"symbol\":\"ABC\",\"venue\":\"XYZ\"}", false);
    assert_true(after->delta.len > 0 && after->delta.len < after->data.len);
    assert_true(fossil_apply(&made, before->data, after->delta));
    assert_true(text_equal(buf_text(&made), after->data));
    assert_text(after->data, "{\"price\":101,\"symbol\":\"ABC\",\"venue\":\"XYZ\"}");
    buf_fini(&made);
}

static void there_is_no_delta_that_is_no_use(void **state)
{
    struct gateway *gateway = *state;
    const char *data = "{\"price\":100,\"symbol\":\"ABC\",\"venue\":\"XYZ\"}";

    subscribe(gateway, 0, "news:a");
    publish_delta(gateway, "1", false);
    assert_int_equal(publish_delta(gateway, data, false)->delta.len, 0); /* longer than itself */
    assert_true(publish_delta(gateway, data, false)->delta.len > 0);
    assert_int_equal(publish_delta(gateway, data, true)->delta.len, 0);
    /* Clients have seen one since that is not in the stream. */
    assert_int_equal(publish_delta(gateway, data, false)->delta.len, 0);
    publish(gateway, "news:a", data);
    assert_int_equal(next_parcel(gateway, 0)->delta.len, 0); /* nobody asked for it */
    gateway->news.delta_publish = true;
    publish(gateway, "news:a", data);
    assert_true(next_parcel(gateway, 0)->delta.len > 0);
    gateway->news.allow_fossil_delta = false;
    publish(gateway, "news:a", data);
    assert_int_equal(next_parcel(gateway, 0)->delta.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_publication_reaches_the_loops_that_listen_before_its_answer),
        GATEWAY_TEST(a_loop_that_gave_its_reference_back_hears_nothing),
        GATEWAY_TEST(publications_of_a_stream_are_counted),
        GATEWAY_TEST(a_publication_says_who_published_and_what_it_is_about),
        GATEWAY_TEST(what_skips_history_is_delivered_and_not_counted),
        GATEWAY_TEST(a_repeated_key_gets_the_same_answer_and_is_not_delivered),
        GATEWAY_TEST(an_older_version_is_skipped_and_told_the_top),
        GATEWAY_TEST(a_delta_is_to_the_publication_before_as_it_was_sent),
        GATEWAY_TEST(there_is_no_delta_that_is_no_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
