#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/frame.h"

static void a_frame_is_header_and_payload_in_one_run(void **state)
{
    struct frame *frame = frame_create(WEBSOCKET_TEXT, TEXT("tea"));
    const struct text bytes = frame_bytes(frame);

    assert_int_equal(bytes.len, 5);
    assert_memory_equal(bytes.at, "\x81\x03tea", 5);
    frame_unref(frame);
}

static void long_payloads_have_longer_headers(void **state)
{
    static const struct {
        size_t payload, header;
    } sizes[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}};
    char *payload = calloc(1, 65536);

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct frame *frame = frame_create(WEBSOCKET_TEXT, text_of(payload, sizes[i].payload));
        assert_int_equal(frame->len, sizes[i].payload + sizes[i].header);
        frame_unref(frame);
    }
    free(payload);
}

static void a_publication_gives_its_data_back(void **state)
{
    const struct publication publication = {.data = TEXT("{\"text\":\"tea\"}"), .offset = 7};
    struct frame *frame = frame_publication(TEXT("room:7"), &publication);

    assert_true(text_equal(frame_data(frame), publication.data));
    assert_int_equal(frame->offset, 7);
    frame_unref(frame);
}

static void data_is_found_behind_a_channel_that_looks_like_it(void **state)
{
    const struct publication publication = {.data = TEXT("1")};
    struct frame *frame = frame_publication(TEXT("x\",\"pub\":{\"data\":2"), &publication);

    assert_true(text_equal(frame_data(frame), TEXT("1")));
    frame_unref(frame);
}

static void data_with_newlines_is_minified(void **state)
{
    const struct publication publication = {.data = TEXT("{\n  \"a\": 1\r\n}")};
    struct frame *frame = frame_publication(TEXT("room:7"), &publication);

    assert_true(text_equal(frame_data(frame), TEXT("{\"a\":1}")));
    assert_null(memchr(frame_bytes(frame).at, '\n', frame_bytes(frame).len));
    frame_unref(frame);
}

static void a_close_frame_carries_code_and_reason(void **state)
{
    struct frame *frame = frame_close(3001, "shutdown");

    assert_int_equal(frame->len, 12);
    assert_memory_equal(frame_bytes(frame).at, "\x88\x0a\x0b\xb9shutdown", 12);
    frame_unref(frame);
}

static void a_frame_lives_as_long_as_somebody_refers_to_it(void **state)
{
    struct frame *frame = frame_ref(frame_create(WEBSOCKET_TEXT, TEXT("tea")));

    frame_unref(frame);
    assert_memory_equal(frame_bytes(frame).at + 2, "tea", 3);
    frame_unref(frame);
    frame_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_header_and_payload_in_one_run),
        cmocka_unit_test(long_payloads_have_longer_headers),
        cmocka_unit_test(a_publication_gives_its_data_back),
        cmocka_unit_test(data_is_found_behind_a_channel_that_looks_like_it),
        cmocka_unit_test(data_with_newlines_is_minified),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(a_frame_lives_as_long_as_somebody_refers_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
