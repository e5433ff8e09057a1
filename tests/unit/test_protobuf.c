#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/protobuf.h"

static void assert_bytes(struct buf *out, struct text bytes)
{
    assert_int_equal(out->len, bytes.len);
    assert_memory_equal(out->at, bytes.at, bytes.len);
    buf_fini(out);
}

/* ---- out ---- */

static void numbers_are_written_as_short_as_they_are(void **state)
{
    struct buf out = {0};

    protobuf_add_varint(&out, 1, 0);
    protobuf_add_varint(&out, 2, 150);
    protobuf_add_varint(&out, 16, UINT64_MAX);
    assert_bytes(&out,
                 TEXT("\x08\x00\x10\x96\x01\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

static void signed_numbers_are_zigzag(void **state)
{
    struct buf out = {0};

    protobuf_add_sint(&out, 1, 0);
    protobuf_add_sint(&out, 1, -1);
    protobuf_add_sint(&out, 1, 1);
    protobuf_add_sint(&out, 1, -2);
    assert_bytes(&out, TEXT("\x08\x00\x08\x01\x08\x02\x08\x03"));
    protobuf_add_sint(&out, 1, INT64_MIN);
    assert_bytes(&out, TEXT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    protobuf_add_sint(&out, 1, INT64_MAX);
    assert_bytes(&out, TEXT("\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

static void messages_stand_in_messages(void **state)
{
    struct buf out = {0};

    /* Reply{id 3, publish{}}, and Command{id 1, connect{name "js"}}: bytes that clients and protoc
     * agree on. */
    protobuf_add_varint(&out, 1, 3);
    protobuf_close(&out, protobuf_open(&out, 8));
    assert_bytes(&out, TEXT("\x08\x03\x42\x00"));

    protobuf_add_varint(&out, 1, 1);
    const size_t connect = protobuf_open(&out, 4);
    protobuf_add_bytes(&out, 4, TEXT("js"));
    protobuf_close(&out, connect);
    assert_bytes(&out, TEXT("\x08\x01\x22\x04\x22\x02js"));
}

static void a_long_message_is_moved_to_make_room_for_its_length(void **state)
{
    static const size_t sizes[] = {0, 1, 124, 125, 126, 127, 128, 16380, 16384, 70000};

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct buf out = {0}, inner = {0}, expected = {0};
        char *letters = xcalloc(1, sizes[i] + 1);

        memset(letters, 'q', sizes[i]);
        const struct text content = text_of(letters, sizes[i]);
        const size_t outer_at = protobuf_open(&out, 4), inner_at = protobuf_open(&out, 5);
        protobuf_add_bytes(&out, 6, content);
        protobuf_close(&out, inner_at);
        protobuf_add_varint(&out, 7, 1);
        protobuf_close(&out, outer_at);

        protobuf_add_bytes(&inner, 6, content);
        protobuf_add_bytes(&expected, 5, buf_text(&inner));
        protobuf_add_varint(&expected, 7, 1);
        buf_reset(&inner);
        protobuf_add_bytes(&inner, 4, buf_text(&expected));
        assert_bytes(&out, buf_text(&inner));
        buf_fini(&inner);
        buf_fini(&expected);
        free(letters);
    }
}

/* ---- in ---- */

static void each_field_is_read_in_its_turn(void **state)
{
    struct text message = TEXT("\x08\x96\x01"
                               "\x12\x03tea"
                               "\x19\x01\x02\x03\x04\x05\x06\x07\x88"
                               "\x25\x01\x02\x03\x84"
                               "\x2a\x00");
    const char *const tea = message.at + 5;
    struct protobuf_field field;

    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.number, 1);
    assert_int_equal(field.type, PROTOBUF_VARINT);
    assert_int_equal(field.value, 150);
    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.type, PROTOBUF_BYTES);
    assert_int_equal(field.bytes.len, 3);
    assert_ptr_equal(field.bytes.at, tea); /* not copied */
    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.type, PROTOBUF_I64);
    assert_true(field.value == 0x8807060504030201);
    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.number, 4);
    assert_int_equal(field.type, PROTOBUF_I32);
    assert_int_equal(field.value, 0x84030201);
    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.number, 5);
    assert_int_equal(field.bytes.len, 0);
    assert_int_equal(protobuf_next(&message, &field), 0);
}

static void the_empty_message_has_no_field(void **state)
{
    struct text message = {0};
    struct protobuf_field field;
    assert_int_equal(protobuf_next(&message, &field), 0);
}

static void malformed_fields_are_refused(void **state)
{
    static const struct text bad[] = {
        TEXT("\x80"),                                             /* half a key */
        TEXT("\x08"),                                             /* a key alone */
        TEXT("\x08\xff\xff"),                                     /* half a varint */
        TEXT("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), /* eleven bytes */
        TEXT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),     /* 65 bits */
        TEXT("\x00\x01"),                                         /* field 0 */
        TEXT("\x80\x80\x80\x80\x10\x01"),                         /* field 2^29 */
        TEXT("\x0b\x0c"),                                         /* a group */
        TEXT("\x0c"),                                             /* a group's end */
        TEXT("\x0e\x01"),
        TEXT("\x0f\x01"),                         /* no types */
        TEXT("\x09\x01\x02\x03\x04\x05\x06\x07"), /* seven of eight bytes */
        TEXT("\x0d\x01\x02\x03"),                 /* three of four */
        TEXT("\x0a"),
        TEXT("\x0a\x01"),
        TEXT("\x0a\x03te"),                                    /* fewer than announced */
        TEXT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), /* a length of 2^64 - 1 */
    };
    struct protobuf_field field;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct text message = bad[i];
        assert_int_equal(protobuf_next(&message, &field), -1);
    }
}

static void the_largest_field_number_is_read(void **state)
{
    struct text message = TEXT("\xf8\xff\xff\xff\x0f\x01");
    struct protobuf_field field;
    assert_int_equal(protobuf_next(&message, &field), 1);
    assert_int_equal(field.number, (1 << 29) - 1);
}

static void a_varint_may_be_longer_than_it_need_be(void **state)
{
    struct text bytes = TEXT("\x81\x80\x00rest");
    uint64_t value;

    assert_true(protobuf_varint(&bytes, &value));
    assert_int_equal(value, 1);
    assert_int_equal(bytes.len, 4);
    assert_memory_equal(bytes.at, "rest", 4);
}

static void half_a_varint_is_left_where_it_is(void **state)
{
    struct text bytes = TEXT("\x81\x80");
    uint64_t value;
    assert_false(protobuf_varint(&bytes, &value));
    assert_int_equal(bytes.len, 2);
}

static void what_was_written_is_read(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t value = (UINT64_C(1) << bit) | 1;
        struct buf out = {0};
        struct protobuf_field field;

        protobuf_add_varint(&out, bit + 1, value);
        struct text message = buf_text(&out);
        assert_int_equal(protobuf_next(&message, &field), 1);
        assert_int_equal(field.number, bit + 1);
        assert_true(field.value == value);
        assert_int_equal(message.len, 0);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_short_as_they_are),
        cmocka_unit_test(signed_numbers_are_zigzag),
        cmocka_unit_test(messages_stand_in_messages),
        cmocka_unit_test(a_long_message_is_moved_to_make_room_for_its_length),
        cmocka_unit_test(each_field_is_read_in_its_turn),
        cmocka_unit_test(the_empty_message_has_no_field),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(the_largest_field_number_is_read),
        cmocka_unit_test(a_varint_may_be_longer_than_it_need_be),
        cmocka_unit_test(half_a_varint_is_left_where_it_is),
        cmocka_unit_test(what_was_written_is_read),
    };
    return cmocka_run_group_tests_name("protobuf", tests, NULL, NULL);
}
