#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "bus/wire.h"

static struct text pack(struct buf *buf, const void *message)
{
    const size_t size = protobuf_c_message_get_packed_size(message);

    buf_reset(buf);
    protobuf_c_message_pack(message, (uint8_t *)buf_reserve(buf, size + 1));
    buf->len = size;
    return buf_text(buf);
}

static void a_batch_comes_back_as_it_went(void **state)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    Bus__Item item = BUS__ITEM__INIT, *items[] = {&item};
    Bus__Batch batch = BUS__BATCH__INIT;
    struct buf buf = {0};
    ProtobufCBinaryData mentions[] = {wire_bytes(TEXT("7")), wire_bytes(TEXT("8"))};

    publication.channel = wire_bytes(TEXT("room:7"));
    publication.data = wire_bytes(TEXT("a\0b"));
    publication.offset = 9;
    publication.mentions = mentions;
    publication.n_mentions = 2;
    item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    item.publication = &publication;
    batch.publisher = UINT64_MAX;
    batch.number = 3;
    batch.items = items;
    batch.n_items = 1;

    Bus__Batch *back = wire_read_batch(pack(&buf, &batch));
    assert_non_null(back);
    assert_int_equal(back->publisher, UINT64_MAX);
    assert_int_equal(back->number, 3);
    assert_int_equal(back->n_items, 1);
    assert_int_equal(back->items[0]->what_case, BUS__ITEM__WHAT_PUBLICATION);
    const Bus__Publication *got = back->items[0]->publication;
    assert_true(text_equal(wire_text(got->channel), TEXT("room:7")));
    assert_true(text_equal(wire_text(got->data), TEXT("a\0b")));
    assert_int_equal(got->n_mentions, 2);
    wire_free_batch(back);
    buf_fini(&buf);
}

static void a_publication_comes_back_as_streams_keep_it(void **state)
{
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    Bus__Presence info = BUS__PRESENCE__INIT;
    Bus__Tag tag = BUS__TAG__INIT, *tags[] = {&tag};
    struct buf buf = {0};

    tag.key = wire_bytes(TEXT("lang"));
    tag.value = wire_bytes(TEXT("go"));
    info.user = wire_bytes(TEXT("ada"));
    info.chan_info = wire_bytes(TEXT("{}"));
    publication.data = wire_bytes(TEXT("\x00\xff"));
    publication.binary = publication.delta = true;
    publication.id = UINT64_MAX;
    publication.info = &info;
    publication.tags = tags;
    publication.n_tags = 1;
    wire_pack(&buf, &publication.base);
    Bus__Publication *back = wire_read_publication(buf_text(&buf));
    assert_non_null(back);
    assert_true(text_equal(wire_text(back->data), TEXT("\x00\xff")));
    assert_true(back->binary && back->delta);
    assert_true(back->id == UINT64_MAX);
    assert_true(text_equal(wire_text(back->info->user), TEXT("ada")));
    assert_true(text_equal(wire_text(back->info->chan_info), TEXT("{}")));
    assert_int_equal(back->n_tags, 1);
    assert_true(text_equal(wire_text(back->tags[0]->value), TEXT("go")));
    wire_free_publication(back);
    for (size_t len = 0; len < buf.len; len++)
        wire_free_publication(wire_read_publication(text_of(buf.at, len)));
    wire_free_publication(NULL);
    buf_fini(&buf);
}

static void nothing_is_an_empty_message(void **state)
{
    Bus__Batch *batch = wire_read_batch(TEXT(""));

    assert_non_null(batch);
    assert_int_equal(batch->n_items, 0);
    wire_free_batch(batch);
    wire_free_batch(NULL);
    wire_free_question(NULL);
    wire_free_answer(NULL);
}

static void what_is_no_message_is_refused(void **state)
{
    static const struct text bad[] = {
        {"\x08", 1},                                              /* a tag without its value */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x1a\x05\x01", 3},                                      /* longer than what is there */
        {"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* a length of 2^64 - 1 */
        {"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a varint of 11 bytes */
        {"\x1b\x1c", 2},                                          /* a group */
        {"\x0f", 1},                                              /* wire type 7 */
        {"\x09\x01\x02", 3},                                      /* half a fixed64 */
    };

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(wire_read_batch(bad[i]));
        assert_null(wire_read_question(bad[i]));
        assert_null(wire_read_answer(bad[i]));
    }
}

static void every_cut_of_a_question_is_read_or_refused(void **state)
{
    Bus__Rpc rpc = BUS__RPC__INIT;
    Bus__Question question = BUS__QUESTION__INIT;
    struct buf buf = {0};

    rpc.user = wire_bytes(TEXT("7"));
    rpc.method = wire_bytes(TEXT("mark"));
    rpc.data = wire_bytes(TEXT("{\"seq\":9}"));
    question.id = 1234567890123;
    question.ask_case = BUS__QUESTION__ASK_RPC;
    question.rpc = &rpc;
    const struct text whole = pack(&buf, &question);
    for (size_t len = 0; len < whole.len; len++)
        wire_free_question(wire_read_question(text_of(whole.at, len)));
    buf_fini(&buf);
}

static void a_single_message_given_twice_is_refused(void **state)
{
    /* Question.rpc (field 9) twice; Question.connect (3) and rpc: two of one oneof. */
    assert_null(wire_read_question(TEXT("\x4a\x00\x4a\x00")));
    assert_null(wire_read_question(TEXT("\x1a\x00\x4a\x00")));
    Bus__Question *question = wire_read_question(TEXT("\x4a\x00"));
    assert_non_null(question);
    wire_free_question(question);
}

static void a_text_that_looks_nested_is_only_a_text(void **state)
{
    /* Publication.data holding bytes that would be 60 messages, one in the other. */
    Bus__Publication publication = BUS__PUBLICATION__INIT;
    Bus__Item item = BUS__ITEM__INIT, *items[] = {&item};
    Bus__Batch batch = BUS__BATCH__INIT;
    struct buf buf = {0};
    char deep[120];

    for (size_t i = 0; i < sizeof(deep); i += 2) {
        deep[i] = 0x1a;
        deep[i + 1] = (char)(sizeof(deep) - i - 2);
    }
    publication.data = wire_bytes(text_of(deep, sizeof(deep)));
    item.what_case = BUS__ITEM__WHAT_PUBLICATION;
    item.publication = &publication;
    batch.items = items;
    batch.n_items = 1;
    Bus__Batch *back = wire_read_batch(pack(&buf, &batch));
    assert_non_null(back);
    wire_free_batch(back);
    buf_fini(&buf);
}

static void a_message_of_too_many_fields_is_refused(void **state)
{
    struct buf buf = {0};

    for (size_t i = 0; i <= WIRE_FIELDS_MAX; i++)
        buf_add(&buf, "\x1a\x00", 2);
    assert_null(wire_read_batch(buf_text(&buf)));
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_comes_back_as_it_went),
        cmocka_unit_test(a_publication_comes_back_as_streams_keep_it),
        cmocka_unit_test(nothing_is_an_empty_message),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(every_cut_of_a_question_is_read_or_refused),
        cmocka_unit_test(a_single_message_given_twice_is_refused),
        cmocka_unit_test(a_text_that_looks_nested_is_only_a_text),
        cmocka_unit_test(a_message_of_too_many_fields_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
