/* Orders over the bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/broker/bus/order_wire.h"

/* Packed and read again, as over the bus. */
static struct order *sent(const struct order *order)
{
    Bus__Item item = BUS__ITEM__INIT, *items[] = {&item};
    Bus__Batch batch = BUS__BATCH__INIT, *read;
    struct arena arena = {0};
    struct buf bytes = {0};
    Bus__Order wire;
    struct order *back;

    order_to_wire(&wire, order, &arena);
    item.what_case = BUS__ITEM__WHAT_ORDER;
    item.order = &wire;
    batch.items = items;
    batch.n_items = 1;
    wire_pack(&bytes, &batch.base);
    read = wire_read_batch(buf_text(&bytes));
    assert_non_null(read);
    back = order_from_wire(read->items[0]->order);
    wire_free_batch(read);
    buf_fini(&bytes);
    arena_fini(&arena);
    return back;
}

static void assert_text(struct text got, const char *expected)
{
    assert_true(text_equal(got, text(expected)));
}

static void an_order_arrives_as_it_was_given(void **state)
{
    struct order *order = order_create(ORDER_SUBSCRIBE), *back;
    struct text spared[] = {TEXT("c1"), TEXT("c2")};

    order->user = TEXT("ada");
    order->client = TEXT("c3");
    order->session = TEXT("s");
    order->any_user = true;
    order->whitelist = spared;
    order->whitelist_count = 2;
    order->code = 4501;
    order->reason = TEXT("bye");
    order->channel = TEXT("news");
    order->info = TEXT("{}");
    order->data = TEXT("[]");
    order->override = (struct sub_override){0, 1, -1, 1, 0};
    order->has_recover_since = true;
    order->offset = UINT64_MAX;
    order->epoch = TEXT("e");
    order->has_expires = order->expires = order->expired = true;
    order->expires_s = 1234567890123;
    order->jti = TEXT("j");
    order->issued_before_s = 77;

    back = sent(order);
    assert_int_equal(back->kind, ORDER_SUBSCRIBE);
    assert_text(back->user, "ada");
    assert_text(back->client, "c3");
    assert_text(back->session, "s");
    assert_true(back->any_user);
    assert_int_equal(back->whitelist_count, 2);
    assert_text(back->whitelist[1], "c2");
    assert_int_equal(back->code, 4501);
    assert_text(back->reason, "bye");
    assert_text(back->channel, "news");
    assert_text(back->info, "{}");
    assert_text(back->data, "[]");
    assert_memory_equal(&back->override, &order->override, sizeof(order->override));
    assert_true(back->has_recover_since);
    assert_true(back->offset == UINT64_MAX);
    assert_text(back->epoch, "e");
    assert_true(back->has_expires && back->expires && back->expired);
    assert_true(back->expires_s == 1234567890123);
    assert_text(back->jti, "j");
    assert_int_equal(back->issued_before_s, 77);
    order_destroy(back);
    order_destroy(order);
}

static void each_kind_arrives_as_itself(void **state)
{
    for (int kind = ORDER_DISCONNECT; kind <= ORDER_REVOKE_USER; kind++) {
        struct order *order = order_create((enum order_kind)kind), *back = sent(order);
        assert_int_equal(back->kind, kind);
        assert_int_equal(back->override.presence, -1);
        order_destroy(back);
        order_destroy(order);
    }
}

static void an_order_of_a_newer_gateway_is_none(void **state)
{
    Bus__Order wire = BUS__ORDER__INIT;

    wire.kind = (Bus__Order__Kind)99;
    assert_null(order_from_wire(&wire));
}

static void an_override_that_makes_no_sense_is_not_given(void **state)
{
    Bus__Override override = BUS__OVERRIDE__INIT;
    Bus__Order wire = BUS__ORDER__INIT;
    struct order *order;

    override.presence = 7;
    override.join_leave = 2;
    wire.override = &override;
    order = order_from_wire(&wire);
    assert_int_equal(order->override.presence, -1);
    assert_int_equal(order->override.join_leave, 1);
    order_destroy(order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_arrives_as_it_was_given),
        cmocka_unit_test(each_kind_arrives_as_itself),
        cmocka_unit_test(an_order_of_a_newer_gateway_is_none),
        cmocka_unit_test(an_override_that_makes_no_sense_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
