#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/frame.h"
#include "gateway/protocol/deflate.h"

static void a_frame_is_header_and_payload_in_one_run(void **state)
{
    struct frame *frame = frame_create(FORMAT_WEBSOCKET_JSON, TEXT("tea"));
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
        struct frame *frame = frame_create(FORMAT_WEBSOCKET_JSON, text_of(payload, sizes[i].payload));
        assert_int_equal(frame->len, sizes[i].payload + sizes[i].header);
        frame_unref(frame);
    }
    free(payload);
}

static void every_transport_has_its_own_words_around_a_message(void **state)
{
    static const struct {
        enum format format;
        const char *bytes;
    } rows[] = {
        {FORMAT_WEBSOCKET_JSON, "\x81\x03tea"}, {FORMAT_WEBSOCKET_PROTOBUF, "\x82\x03tea"},
        {FORMAT_UNI_WEBSOCKET, "\x81\x03tea"},
        /* Streams are answers in chunks (RFC 9112 7.1), a message each. */
        {FORMAT_STREAM_JSON, "4\r\ntea\n\r\n"},     {FORMAT_STREAM_PROTOBUF, "3\r\ntea\r\n"},
        {FORMAT_SSE, "b\r\ndata: tea\n\n\r\n"},     {FORMAT_UNI_STREAM, "4\r\ntea\n\r\n"},
        {FORMAT_UNI_SSE, "b\r\ndata: tea\n\n\r\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct frame *frame = frame_create(rows[i].format, TEXT("tea"));
        assert_true(text_equal(frame_bytes(frame), text(rows[i].bytes)));
        frame_unref(frame);
    }
}

static void larger_messages_are_compressed_where_that_was_agreed_upon(void **state)
{
    char payload[500];
    struct frame *frame;
    struct buf back = {0};

    memset(payload, 'a', sizeof(payload));
    frame_init(100);
    frame = frame_create(FORMAT_WEBSOCKET_JSON_DEFLATE, text_of(payload, 99));
    assert_int_equal((unsigned char)frame_bytes(frame).at[0], 0x81);
    frame_unref(frame);
    frame = frame_create(FORMAT_WEBSOCKET_JSON_DEFLATE, text_of(payload, sizeof(payload)));
    assert_int_equal((unsigned char)frame_bytes(frame).at[0], 0xc1); /* RSV1 */
    assert_int_equal(inflate_message(&back, text_after(frame_bytes(frame), 2), 1000), ERR_OK);
    assert_true(text_equal(buf_text(&back), text_of(payload, sizeof(payload))));
    frame_unref(frame);
    buf_fini(&back);
    frame_init(0);
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
    struct frame *frame = frame_ref(frame_create(FORMAT_WEBSOCKET_JSON, TEXT("tea")));

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
        cmocka_unit_test(every_transport_has_its_own_words_around_a_message),
        cmocka_unit_test(larger_messages_are_compressed_where_that_was_agreed_upon),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(a_frame_lives_as_long_as_somebody_refers_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
