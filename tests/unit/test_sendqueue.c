#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/loop/sendqueue.h"

#define PIECES_MAX 64

static void push(struct sendqueue *queue, const char *payload)
{
    struct frame *frame = frame_create(FORMAT_WEBSOCKET_JSON, text(payload));

    sendqueue_push(queue, frame);
    frame_unref(frame);
}

/* All unsent bytes, with headers shown as their length: "3tea". */
static const char *unsent(const struct sendqueue *queue)
{
    static char out[1024];
    struct iovec pieces[PIECES_MAX];
    size_t bytes, len = 0;
    const size_t count = sendqueue_pieces(queue, pieces, PIECES_MAX, &bytes);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < pieces[i].iov_len; k++) {
            const unsigned char byte = ((unsigned char *)pieces[i].iov_base)[k];
            if (byte != 0x81)
                out[len++] = (char)(byte < 10 ? '0' + byte : byte);
        }
    out[len] = '\0';
    assert_int_equal(bytes, queue->bytes);
    return out;
}

static void frames_leave_in_the_order_they_came(void **state)
{
    struct sendqueue queue = {0};

    push(&queue, "tea");
    push(&queue, "milk");
    assert_string_equal(unsent(&queue), "3tea4milk");
    sendqueue_consume(&queue, 5);
    assert_string_equal(unsent(&queue), "4milk");
    sendqueue_consume(&queue, 6);
    assert_int_equal(queue.count, 0);
    sendqueue_fini(&queue);
}

static void a_frame_half_sent_goes_on_where_it_stopped(void **state)
{
    struct sendqueue queue = {0};

    push(&queue, "tea");
    push(&queue, "milk");
    sendqueue_consume(&queue, 3);
    assert_string_equal(unsent(&queue), "ea4milk");
    sendqueue_consume(&queue, 4);
    assert_string_equal(unsent(&queue), "milk");
    sendqueue_fini(&queue);
}

static void a_cut_keeps_the_frame_that_is_half_sent(void **state)
{
    struct sendqueue queue = {0};

    push(&queue, "tea");
    push(&queue, "milk");
    push(&queue, "honey");
    sendqueue_consume(&queue, 3);
    sendqueue_cut(&queue, 1);
    assert_string_equal(unsent(&queue), "ea");
    push(&queue, "bye");
    assert_string_equal(unsent(&queue), "ea3bye");
    sendqueue_cut(&queue, 0);
    assert_int_equal(queue.bytes, 0);
    push(&queue, "x");
    assert_string_equal(unsent(&queue), "1x");
    sendqueue_fini(&queue);
}

static void order_survives_growth_at_any_place_of_the_circle(void **state)
{
    struct sendqueue queue = {0};
    int next_in = 0, next_out = 0;
    char payload[16];

    for (int round = 1; round < 40; round++) {
        for (int i = 0; i < round; i++) {
            snprintf(payload, sizeof(payload), "%06d", next_in++);
            push(&queue, payload);
        }
        for (int i = 0; i < round / 2; i++) {
            struct iovec piece;
            size_t bytes;
            assert_int_equal(sendqueue_pieces(&queue, &piece, 1, &bytes), 1);
            snprintf(payload, sizeof(payload), "%06d", next_out++);
            assert_memory_equal((char *)piece.iov_base + 2, payload, 6);
            sendqueue_consume(&queue, bytes);
        }
    }
    assert_int_equal(queue.count, next_in - next_out);
    sendqueue_fini(&queue);
}

static void many_small_frames_cost_more_than_their_bytes(void **state)
{
    struct sendqueue queue = {0};

    for (int i = 0; i < 1000; i++)
        push(&queue, "");
    assert_int_equal(queue.bytes, 2000);
    assert_in_range(sendqueue_cost(&queue), 1000 * sizeof(struct frame), 100000);
    sendqueue_fini(&queue);
    assert_int_equal(sendqueue_cost(&queue), 0);
}

static void an_empty_queue_gives_its_memory_back_and_a_full_one_keeps_it(void **state)
{
    struct sendqueue queue = {0};

    push(&queue, "tea");
    sendqueue_shrink(&queue);
    assert_string_equal(unsent(&queue), "3tea");
    sendqueue_consume(&queue, 5);
    sendqueue_shrink(&queue);
    assert_null(queue.at);
    push(&queue, "milk");
    assert_string_equal(unsent(&queue), "4milk");
    sendqueue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_in_the_order_they_came),
        cmocka_unit_test(a_frame_half_sent_goes_on_where_it_stopped),
        cmocka_unit_test(a_cut_keeps_the_frame_that_is_half_sent),
        cmocka_unit_test(order_survives_growth_at_any_place_of_the_circle),
        cmocka_unit_test(many_small_frames_cost_more_than_their_bytes),
        cmocka_unit_test(an_empty_queue_gives_its_memory_back_and_a_full_one_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
