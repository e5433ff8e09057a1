#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/id.h"
#include "bus/seal.h"

#define PAYLOAD "the kettle is on"

struct sealed {
    char bytes[SEAL_OVERHEAD + sizeof(PAYLOAD) - 1];
};

static struct text sealed_text(const struct sealed *sealed)
{
    return text_of(sealed->bytes, sizeof(sealed->bytes));
}

static struct sealed seal(const char *secret, enum seal_context context)
{
    struct seal_keys keys;
    struct sealed sealed;

    seal_keys_init(&keys, text(secret), TEXT(""));
    memcpy(sealed.bytes + SEAL_OVERHEAD, PAYLOAD, sizeof(PAYLOAD) - 1);
    seal_write(&keys, context, sealed.bytes, sizeof(sealed.bytes));
    return sealed;
}

static bool opens_with(const char *secret, const char *other, enum seal_context context,
                       struct text message)
{
    struct seal_keys keys;
    struct buf payload = {0};
    bool opens;

    seal_keys_init(&keys, text(secret), text(other));
    opens = seal_open(&keys, context, message, &payload) &&
            text_equal(buf_text(&payload), TEXT(PAYLOAD));
    buf_fini(&payload);
    return opens;
}

static bool opens(const char *secret, enum seal_context context, struct text message)
{
    return opens_with(secret, "", context, message);
}

static void while_keys_change_both_open(void **state)
{
    const struct sealed old = seal("old", SEAL_EVENT), new = seal("new", SEAL_EVENT);

    assert_true(opens_with("old", "new", SEAL_EVENT, sealed_text(&old)));
    assert_true(opens_with("old", "new", SEAL_EVENT, sealed_text(&new)));
    assert_true(opens_with("new", "old", SEAL_EVENT, sealed_text(&old)));
    assert_false(opens_with("new", "newer", SEAL_EVENT, sealed_text(&old)));
}

static void who_has_no_key_reads_nothing(void **state)
{
    const struct sealed one = seal("secret", SEAL_EVENT), two = seal("secret", SEAL_EVENT);

    for (size_t i = SEAL_OVERHEAD; i + 4 <= sizeof(one.bytes); i++)
        assert_memory_not_equal(one.bytes + i, PAYLOAD + i - SEAL_OVERHEAD, 4);
    assert_memory_not_equal(one.bytes + SEAL_OVERHEAD, two.bytes + SEAL_OVERHEAD, 8);
}

static void a_sealed_message_opens_with_its_key(void **state)
{
    const struct sealed sealed = seal("secret", SEAL_EVENT);

    assert_true(opens("secret", SEAL_EVENT, sealed_text(&sealed)));
    assert_false(opens("Secret", SEAL_EVENT, sealed_text(&sealed)));
    assert_false(opens("", SEAL_EVENT, sealed_text(&sealed)));
}

static void a_seal_is_good_for_one_use_only(void **state)
{
    const struct sealed sealed = seal("secret", SEAL_QUESTION);

    assert_true(opens("secret", SEAL_QUESTION, sealed_text(&sealed)));
    assert_false(opens("secret", SEAL_ANSWER, sealed_text(&sealed)));
    assert_false(opens("secret", SEAL_EVENT, sealed_text(&sealed)));
}

static void without_a_secret_the_seal_is_still_a_checksum(void **state)
{
    struct sealed sealed = seal("", SEAL_EVENT);

    assert_true(opens("", SEAL_EVENT, sealed_text(&sealed)));
    sealed.bytes[SEAL_OVERHEAD] ^= 1;
    assert_false(opens("", SEAL_EVENT, sealed_text(&sealed)));
}

static void every_changed_byte_breaks_the_seal(void **state)
{
    const struct sealed good = seal("secret", SEAL_EVENT);

    for (size_t i = 0; i < sizeof(good.bytes); i++) {
        struct sealed changed = good;
        changed.bytes[i] ^= 0x40;
        assert_false(opens("secret", SEAL_EVENT, sealed_text(&changed)));
    }
}

static void a_message_cut_short_does_not_open(void **state)
{
    const struct sealed sealed = seal("secret", SEAL_EVENT);

    for (size_t len = 0; len < sizeof(sealed.bytes); len++)
        assert_false(opens("secret", SEAL_EVENT, text_of(sealed.bytes, len)));
}

static void an_empty_payload_can_be_sealed(void **state)
{
    struct seal_keys keys;
    unsigned char sealed[SEAL_OVERHEAD];
    struct buf payload = {0};

    seal_keys_init(&keys, TEXT("secret"), TEXT(""));
    seal_write(&keys, SEAL_EVENT, sealed, sizeof(sealed));
    assert_true(seal_open(&keys, SEAL_EVENT, text_of(sealed, sizeof(sealed)), &payload));
    assert_int_equal(payload.len, 0);
    buf_fini(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_message_opens_with_its_key),
        cmocka_unit_test(a_seal_is_good_for_one_use_only),
        cmocka_unit_test(without_a_secret_the_seal_is_still_a_checksum),
        cmocka_unit_test(every_changed_byte_breaks_the_seal),
        cmocka_unit_test(a_message_cut_short_does_not_open),
        cmocka_unit_test(while_keys_change_both_open),
        cmocka_unit_test(who_has_no_key_reads_nothing),
        cmocka_unit_test(an_empty_payload_can_be_sealed),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
