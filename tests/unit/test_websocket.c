#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/deflate.h"
#include "gateway/protocol/websocket.h"

#define MESSAGE_MAX 1000

/* What a reader said, as text: "1:tea 8:1000:bye " (opcode, code if any, payload; longer ones as
 * their length). */
struct heard {
    struct websocket_reader reader;
    struct buf log;
    const char *last_at; /* where the last payload stood */
    bool stop;           /* what the callback answers */
};

static bool on_message(void *context, enum websocket_opcode opcode, int code, struct text payload)
{
    struct heard *heard = context;

    buf_printf(&heard->log, "%d:", opcode);
    if (opcode == WEBSOCKET_CLOSE)
        buf_printf(&heard->log, "%d:", code);
    if (payload.len <= 30)
        buf_add_text(&heard->log, payload);
    else
        buf_printf(&heard->log, "%zu bytes", payload.len);
    buf_add_byte(&heard->log, ' ');
    heard->last_at = payload.at;
    return !heard->stop;
}

static int setup(void **state)
{
    struct heard *heard = xcalloc(1, sizeof(*heard));
    websocket_reader_init(&heard->reader, MESSAGE_MAX);
    *state = heard;
    return 0;
}

static int teardown(void **state)
{
    struct heard *heard = *state;
    websocket_reader_fini(&heard->reader);
    buf_fini(&heard->log);
    free(heard);
    return 0;
}

/* Appends a client's frame; `first` is FIN, RSV and opcode as they stand in the first byte. */
static void add_frame(struct buf *out, unsigned first, struct text payload)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char header[WEBSOCKET_HEADER_MAX];
    const size_t header_len = websocket_header(WEBSOCKET_TEXT, payload.len, header);

    header[0] = (unsigned char)first;
    header[1] |= 0x80;
    buf_add(out, header, header_len);
    buf_add(out, mask, sizeof(mask));
    for (size_t i = 0; i < payload.len; i++)
        buf_add_byte(out, (char)(payload.at[i] ^ mask[i % 4]));
}

static int feed(struct heard *heard, struct buf *bytes)
{
    const int code = websocket_read(&heard->reader, bytes->at, bytes->len, on_message, heard);
    buf_fini(bytes);
    return code;
}

static int feed_frame(struct heard *heard, unsigned first, struct text payload)
{
    struct buf bytes = {0};
    add_frame(&bytes, first, payload);
    return feed(heard, &bytes);
}

static const char *log_of(struct heard *heard)
{
    return buf_cstring(&heard->log);
}

/* ---- out ---- */

static void the_accept_key_is_that_of_rfc_6455(void **state)
{
    char out[29];
    websocket_accept_key(TEXT("dGhlIHNhbXBsZSBub25jZQ=="), out);
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_header_is_as_short_as_its_length_allows(void **state)
{
    unsigned char out[WEBSOCKET_HEADER_MAX];

    assert_int_equal(websocket_header(WEBSOCKET_TEXT, 125, out), 2);
    assert_memory_equal(out, "\x81\x7d", 2);
    assert_int_equal(websocket_header(WEBSOCKET_BINARY, 126, out), 4);
    assert_memory_equal(out, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(websocket_header(WEBSOCKET_TEXT, 65535, out), 4);
    assert_memory_equal(out, "\x81\x7e\xff\xff", 4);
    assert_int_equal(websocket_header(WEBSOCKET_TEXT, 65536, out), 10);
    assert_memory_equal(out, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
}

static void a_compressed_message_has_rsv1_in_its_header(void **state)
{
    unsigned char out[WEBSOCKET_HEADER_MAX];

    assert_int_equal(websocket_header_deflated(WEBSOCKET_TEXT, 7, out), 2);
    assert_memory_equal(out, "\xc1\x07", 2);
    assert_int_equal(websocket_header_deflated(WEBSOCKET_BINARY, 126, out), 4);
    assert_memory_equal(out, "\xc2\x7e\x00\x7e", 4);
}

static void a_close_frame_carries_code_and_reason(void **state)
{
    struct buf out = {0};
    websocket_close_frame(&out, 3503, TEXT("bye"));
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.at,
                        "\x88\x05\x0d\xaf"
                        "bye",
                        7);
    buf_fini(&out);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    char reason[126];
    struct buf out = {0};

    memset(reason, 'a', sizeof(reason));
    memcpy(reason + 121, "\xe2\x82\xac", 3); /* a euro sign, bytes 121 to 123: one too many */
    websocket_close_frame(&out, 3000, text_of(reason, sizeof(reason)));
    assert_int_equal(out.len, 2 + 2 + 121);
    assert_int_equal((unsigned char)out.at[1], 2 + 121);
    buf_fini(&out);
}

static void a_close_without_code_is_said_back_without_code(void **state)
{
    struct buf out = {0};
    websocket_close_frame(&out, 1005, TEXT("x"));
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.at, "\x88\x00", 2);
    buf_fini(&out);
}

/* ---- in ---- */

static void the_masked_hello_of_rfc_6455_is_read(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    buf_add(&bytes, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    assert_int_equal(feed(heard, &bytes), 0);
    assert_string_equal(log_of(heard), "1:Hello ");
}

static void a_whole_frame_is_passed_on_where_it_stands(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};
    char letters[300];

    memset(letters, 'q', sizeof(letters));
    add_frame(&bytes, 0x82, text_of(letters, sizeof(letters)));
    assert_int_equal(websocket_read(&heard->reader, bytes.at, bytes.len, on_message, heard), 0);
    assert_ptr_equal(heard->last_at, bytes.at + 8);
    assert_memory_equal(bytes.at + 8, letters, sizeof(letters));
    assert_null(heard->reader.half);
    buf_fini(&bytes);
}

static void frames_that_arrive_together_come_in_order(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    add_frame(&bytes, 0x81, TEXT("one"));
    add_frame(&bytes, 0x82, TEXT(""));
    add_frame(&bytes, 0x81, TEXT("three"));
    assert_int_equal(feed(heard, &bytes), 0);
    assert_string_equal(log_of(heard), "1:one 2: 1:three ");
}

static void single_bytes_give_the_same_messages(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};
    char letters[300];

    memset(letters, 'q', sizeof(letters));
    add_frame(&bytes, 0x81, text_of(letters, sizeof(letters)));
    add_frame(&bytes, 0x01, TEXT("te"));
    add_frame(&bytes, 0x89, TEXT("ping"));
    add_frame(&bytes, 0x80, TEXT("a"));
    add_frame(&bytes, 0x88,
              TEXT("\x03\xe8"
                   "bye"));
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(websocket_read(&heard->reader, bytes.at + i, 1, on_message, heard), 0);
    assert_string_equal(log_of(heard), "1:300 bytes 9:ping 1:tea 8:1000:bye ");
    buf_fini(&bytes);
}

static void fragments_are_joined_around_control_frames(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    add_frame(&bytes, 0x01, TEXT("kettle"));
    add_frame(&bytes, 0x89, TEXT("there?"));
    add_frame(&bytes, 0x00, TEXT(""));
    add_frame(&bytes, 0x8a, TEXT(""));
    add_frame(&bytes, 0x80, TEXT(" is on"));
    assert_int_equal(feed(heard, &bytes), 0);
    assert_string_equal(log_of(heard), "9:there? 10: 1:kettle is on ");
}

static void memory_is_given_back_after_a_message(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    add_frame(&bytes, 0x01, TEXT("a"));
    assert_int_equal(feed(heard, &bytes), 0);
    assert_int_not_equal(websocket_reader_held(&heard->reader), 0);
    add_frame(&bytes, 0x80, TEXT("b"));
    assert_int_equal(feed(heard, &bytes), 0);
    assert_null(heard->reader.half);
}

static void reserved_bits_are_refused(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0xc1, TEXT("a")), 1002);
}

static void unknown_opcodes_are_refused(void **state)
{
    static const unsigned firsts[] = {0x83, 0x87, 0x8b, 0x8f};
    for (size_t i = 0; i < ARRAY_COUNT(firsts); i++) {
        struct heard heard = {0};
        websocket_reader_init(&heard.reader, MESSAGE_MAX);
        assert_int_equal(feed_frame(&heard, firsts[i], TEXT("")), 1002);
    }
}

static void an_unmasked_frame_is_refused_at_its_second_byte(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};
    buf_add(&bytes, "\x81\x05", 2);
    assert_int_equal(feed(heard, &bytes), 1002);
}

static void a_control_frame_is_short_and_whole(void **state)
{
    char letters[126] = {0};
    struct heard long_one = {0}, fragment = {0};

    websocket_reader_init(&long_one.reader, MESSAGE_MAX);
    assert_int_equal(feed_frame(&long_one, 0x89, text_of(letters, 126)), 1002);
    websocket_reader_init(&fragment.reader, MESSAGE_MAX);
    assert_int_equal(feed_frame(&fragment, 0x09, TEXT("a")), 1002);
}

static void a_continuation_of_nothing_is_refused(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0x80, TEXT("a")), 1002);
}

static void a_message_inside_a_message_is_refused(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0x01, TEXT("a")), 0);
    assert_int_equal(feed_frame(heard, 0x81, TEXT("b")), 1002);
    assert_string_equal(log_of(heard), "");
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0x82, TEXT("\xc3")), 0); /* binary may be anything */
    assert_int_equal(feed_frame(heard, 0x81, TEXT("\xc3")), 1007);
}

static void a_character_may_be_cut_by_fragments(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0x01, TEXT("\xc3")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("\xa4")), 0);
    assert_string_equal(log_of(heard), "1:\xc3\xa4 ");
    assert_int_equal(feed_frame(heard, 0x01, TEXT("\xc3")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("a")), 1007);
}

static void a_text_that_cannot_become_utf8_is_refused_at_once(void **state)
{
    struct heard *heard = *state;
    struct heard half = {0};
    struct buf bytes = {0};

    assert_int_equal(feed_frame(heard, 0x01, TEXT("\xf4")), 0); /* may become U+10FFFF */
    assert_int_equal(feed_frame(heard, 0x89, TEXT("")), 0);
    assert_int_equal(feed_frame(heard, 0x00, TEXT("\x90")), 1007); /* too high, whatever follows */
    assert_string_equal(log_of(heard), "9: ");

    websocket_reader_init(&half.reader, MESSAGE_MAX);
    add_frame(&bytes, 0x81, TEXT("tea \xed\xa0\x80 tea"));
    bytes.len -= 5; /* a surrogate's half in half a frame */
    assert_int_equal(feed(&half, &bytes), 1007);
    websocket_reader_fini(&half.reader);
}

static void what_is_no_text_may_hold_anything_in_pieces(void **state)
{
    struct heard *heard = *state;

    assert_int_equal(feed_frame(heard, 0x01, TEXT("te")), 0);
    assert_int_equal(feed_frame(heard, 0x89, TEXT("\xff")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("a")), 0);
    assert_int_equal(feed_frame(heard, 0x02, TEXT("\xff")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("\xff")), 0);
    assert_int_equal(feed_frame(heard, 0x01, TEXT("\xc3")), 0); /* and text is text again */
    assert_int_equal(feed_frame(heard, 0x80, TEXT("\xa4")), 0);
    assert_string_equal(log_of(heard), "9:\xff 1:tea 2:\xff\xff 1:\xc3\xa4 ");
}

static void a_message_may_have_its_limit_and_not_a_byte_more(void **state)
{
    struct heard *heard = *state;
    char letters[MESSAGE_MAX + 1];

    memset(letters, 'q', sizeof(letters));
    assert_int_equal(feed_frame(heard, 0x81, text_of(letters, MESSAGE_MAX)), 0);
    assert_int_equal(feed_frame(heard, 0x81, text_of(letters, MESSAGE_MAX + 1)), 1009);
    assert_string_equal(log_of(heard), "1:1000 bytes ");
}

static void fragments_count_together_against_the_limit(void **state)
{
    struct heard *heard = *state;
    char letters[MESSAGE_MAX];

    memset(letters, 'q', sizeof(letters));
    assert_int_equal(feed_frame(heard, 0x01, text_of(letters, MESSAGE_MAX)), 0);
    assert_int_equal(feed_frame(heard, 0x00, TEXT("")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("q")), 1009);
}

static void a_huge_length_is_refused_before_its_bytes(void **state)
{
    struct heard top = {0}, whole = {0};
    struct buf bytes = {0};

    websocket_reader_init(&top.reader, SIZE_MAX);
    buf_add(&bytes, "\x82\xff\x80\0\0\0\0\0\0\0mask", 14);
    assert_int_equal(feed(&top, &bytes), 1009);
    assert_null(top.reader.half);

    websocket_reader_init(&whole.reader, SIZE_MAX);
    buf_add(&bytes, "\x82\xff\0\0\0\0\x7f\xff\xff\xffmask", 14);
    assert_int_equal(feed(&whole, &bytes), 0); /* 2 GiB are allowed, and not set aside for it */
    websocket_reader_fini(&whole.reader);
}

static void a_close_frame_ends_reading(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    add_frame(&bytes, 0x88,
              TEXT("\x0f\xa0"
                   "later")); /* 4000 */
    add_frame(&bytes, 0x81, TEXT("too late"));
    assert_int_equal(feed(heard, &bytes), 0);
    assert_int_equal(feed_frame(heard, 0x81, TEXT("much too late")), 0);
    assert_string_equal(log_of(heard), "8:4000:later ");
}

static void a_close_frame_may_be_empty(void **state)
{
    struct heard *heard = *state;
    assert_int_equal(feed_frame(heard, 0x88, TEXT("")), 0);
    assert_string_equal(log_of(heard), "8:1005: ");
}

static int close_outcome(struct text payload)
{
    struct heard heard = {0};
    websocket_reader_init(&heard.reader, MESSAGE_MAX);
    const int code = feed_frame(&heard, 0x88, payload);
    buf_fini(&heard.log);
    return code;
}

static void close_codes_and_reasons_are_checked(void **state)
{
    static const int bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
    static const int good[] = {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999};

    assert_int_equal(close_outcome(TEXT("\x03")), 1002);
    assert_int_equal(close_outcome(TEXT("\x03\xe8\xff")), 1007);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char payload[2] = {(char)(bad[i] >> 8), (char)bad[i]};
        assert_int_equal(close_outcome(text_of(payload, 2)), 1002);
    }
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        const char payload[2] = {(char)(good[i] >> 8), (char)good[i]};
        assert_int_equal(close_outcome(text_of(payload, 2)), 0);
    }
}

static void an_error_comes_after_the_messages_before_it(void **state)
{
    struct heard *heard = *state;
    struct buf bytes = {0};

    add_frame(&bytes, 0x81, TEXT("fine"));
    add_frame(&bytes, 0xf1, TEXT("not"));
    assert_int_equal(feed(heard, &bytes), 1002);
    assert_string_equal(log_of(heard), "1:fine ");
}

/* ---- in, compressed ---- */

#define HELLO TEXT("\xf2\x48\xcd\xc9\xc9\x07\x00") /* RFC 7692 7.2.3.1 */

static void compressed_messages_are_inflated(void **state)
{
    struct heard *heard = *state;

    heard->reader.deflate = true;
    assert_int_equal(feed_frame(heard, 0xc1, HELLO), 0);
    assert_int_equal(feed_frame(heard, 0xc2, HELLO), 0);
    assert_int_equal(feed_frame(heard, 0x81, TEXT("plain")), 0); /* each message as it likes */
    assert_string_equal(log_of(heard), "1:Hello 2:Hello 1:plain ");
    assert_null(heard->reader.half);
}

static void a_compressed_message_may_come_in_fragments(void **state)
{
    struct heard *heard = *state;

    heard->reader.deflate = true;
    assert_int_equal(feed_frame(heard, 0x41, TEXT("\xf2\x48\xcd")), 0); /* RFC 7692 7.2.3.1 */
    assert_int_equal(feed_frame(heard, 0x89, TEXT("ping")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("\xc9\xc9\x07\x00")), 0);
    assert_int_equal(feed_frame(heard, 0x01, TEXT("pl")), 0);
    assert_int_equal(feed_frame(heard, 0x80, TEXT("ain")), 0);
    assert_string_equal(log_of(heard), "9:ping 1:Hello 1:plain ");
    assert_null(heard->reader.half);
}

/* What a reader that agreed to compression answers to one frame, in a message or not. */
static int deflating_outcome(bool in_message, unsigned first, struct text payload)
{
    struct heard heard = {0};
    int code = 0;

    websocket_reader_init(&heard.reader, MESSAGE_MAX);
    heard.reader.deflate = true;
    if (in_message)
        assert_int_equal(feed_frame(&heard, 0x41, TEXT("\xf2\x48\xcd")), 0);
    code = feed_frame(&heard, first, payload);
    websocket_reader_fini(&heard.reader);
    buf_fini(&heard.log);
    return code;
}

static void rsv1_stands_in_the_first_frame_of_a_message_alone(void **state)
{
    assert_int_equal(deflating_outcome(true, 0xc0, TEXT("\xc9\xc9\x07\x00")), 1002);
    assert_int_equal(deflating_outcome(false, 0xc9, TEXT("ping")), 1002);
    assert_int_equal(deflating_outcome(false, 0xca, TEXT("pong")), 1002);
    assert_int_equal(deflating_outcome(false, 0xc8, TEXT("")), 1002);
    assert_int_equal(deflating_outcome(false, 0xa1, HELLO), 1002); /* RSV2 */
    assert_int_equal(deflating_outcome(false, 0xd1, HELLO), 1002); /* RSV3 besides */
}

static void what_does_not_inflate_is_bad_data(void **state)
{
    assert_int_equal(deflating_outcome(false, 0xc2, TEXT("Hello")), 1007);
    assert_int_equal(deflating_outcome(false, 0xc1, TEXT("")), 1007);
    assert_int_equal(deflating_outcome(true, 0x80, TEXT("\xc9")), 1007);
}

static void inflated_text_must_be_utf8(void **state)
{
    struct buf compressed = {0};

    deflate_message(&compressed, TEXT("\xc3"));
    assert_int_equal(deflating_outcome(false, 0xc2, buf_text(&compressed)), 0);
    assert_int_equal(deflating_outcome(false, 0xc1, buf_text(&compressed)), 1007);
    buf_fini(&compressed);
}

static void a_compressed_message_may_say_ten_times_the_limit(void **state)
{
    struct buf compressed = {0};
    char letters[10 * MESSAGE_MAX + 1];

    memset(letters, 'a', sizeof(letters));
    deflate_message(&compressed, text_of(letters, 10 * MESSAGE_MAX));
    assert_int_equal(deflating_outcome(false, 0xc1, buf_text(&compressed)), 0);
    buf_reset(&compressed);
    deflate_message(&compressed, text_of(letters, 10 * MESSAGE_MAX + 1));
    assert_int_equal(deflating_outcome(false, 0xc1, buf_text(&compressed)), 1009);
    assert_int_equal(deflating_outcome(false, 0xc1, text_of(letters, MESSAGE_MAX + 1)), 1009);
    buf_fini(&compressed);
}

/* The reader is memory of its own here, so that the sanitizer sees a touch after its end. */
static bool free_reader(void *context, enum websocket_opcode opcode, int code, struct text payload)
{
    struct websocket_reader **reader = context;
    assert_int_equal(payload.len, 2);
    websocket_reader_fini(*reader);
    free(*reader);
    *reader = NULL;
    assert_memory_equal(payload.at, "ab", 2); /* still there: it is borrowed for the call */
    return false;
}

static void add_compressed(struct websocket_reader *reader, struct buf *out, struct text message)
{
    struct buf compressed = {0};

    reader->deflate = true;
    deflate_message(&compressed, message);
    add_frame(out, 0xc1, buf_text(&compressed));
    buf_fini(&compressed);
}

static void a_reader_may_end_inside_its_callback(void **state)
{
    static const char *const ways[] = {"whole", "fragments", "close", "compressed"};
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        struct websocket_reader *reader = xcalloc(1, sizeof(*reader));
        struct buf bytes = {0};

        websocket_reader_init(reader, MESSAGE_MAX);
        if (i == 0)
            add_frame(&bytes, 0x81, TEXT("ab"));
        if (i == 1)
            add_frame(&bytes, 0x01, TEXT("a"));
        if (i == 1)
            add_frame(&bytes, 0x80, TEXT("b"));
        if (i == 2)
            add_frame(&bytes, 0x88,
                      TEXT("\x03\xe8"
                           "ab"));
        if (i == 3)
            add_compressed(reader, &bytes, TEXT("ab"));
        add_frame(&bytes, 0x81, TEXT("never read"));
        assert_int_equal(websocket_read(reader, bytes.at, bytes.len, free_reader, &reader), 0);
        assert_null(reader);
        buf_fini(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_key_is_that_of_rfc_6455),
        cmocka_unit_test(a_header_is_as_short_as_its_length_allows),
        cmocka_unit_test(a_compressed_message_has_rsv1_in_its_header),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(a_close_without_code_is_said_back_without_code),
#define READ_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        READ_TEST(the_masked_hello_of_rfc_6455_is_read),
        READ_TEST(a_whole_frame_is_passed_on_where_it_stands),
        READ_TEST(frames_that_arrive_together_come_in_order),
        READ_TEST(single_bytes_give_the_same_messages),
        READ_TEST(fragments_are_joined_around_control_frames),
        READ_TEST(memory_is_given_back_after_a_message),
        READ_TEST(reserved_bits_are_refused),
        cmocka_unit_test(unknown_opcodes_are_refused),
        READ_TEST(an_unmasked_frame_is_refused_at_its_second_byte),
        cmocka_unit_test(a_control_frame_is_short_and_whole),
        READ_TEST(a_continuation_of_nothing_is_refused),
        READ_TEST(a_message_inside_a_message_is_refused),
        READ_TEST(text_that_is_not_utf8_is_refused),
        READ_TEST(a_character_may_be_cut_by_fragments),
        READ_TEST(a_text_that_cannot_become_utf8_is_refused_at_once),
        READ_TEST(what_is_no_text_may_hold_anything_in_pieces),
        READ_TEST(a_message_may_have_its_limit_and_not_a_byte_more),
        READ_TEST(fragments_count_together_against_the_limit),
        cmocka_unit_test(a_huge_length_is_refused_before_its_bytes),
        READ_TEST(a_close_frame_ends_reading),
        READ_TEST(a_close_frame_may_be_empty),
        cmocka_unit_test(close_codes_and_reasons_are_checked),
        READ_TEST(an_error_comes_after_the_messages_before_it),
        READ_TEST(compressed_messages_are_inflated),
        READ_TEST(a_compressed_message_may_come_in_fragments),
        cmocka_unit_test(rsv1_stands_in_the_first_frame_of_a_message_alone),
        cmocka_unit_test(what_does_not_inflate_is_bad_data),
        cmocka_unit_test(inflated_text_must_be_utf8),
        cmocka_unit_test(a_compressed_message_may_say_ten_times_the_limit),
        cmocka_unit_test(a_reader_may_end_inside_its_callback),
    };
    return cmocka_run_group_tests_name("websocket", tests, NULL, NULL);
}
