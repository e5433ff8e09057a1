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
    struct seal_key key;
    struct sealed sealed;

    seal_key_init(&key, text(secret));
    seal_write(&key, context, TEXT(PAYLOAD), (unsigned char *)sealed.bytes);
    memcpy(sealed.bytes + SEAL_OVERHEAD, PAYLOAD, sizeof(PAYLOAD) - 1);
    return sealed;
}

static bool opens(const char *secret, enum seal_context context, struct text message)
{
    struct seal_key key;
    struct text payload;

    seal_key_init(&key, text(secret));
    return seal_open(&key, context, message, &payload) && text_equal(payload, TEXT(PAYLOAD));
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
    struct seal_key key;
    unsigned char sealed[SEAL_OVERHEAD];
    struct text payload;

    seal_key_init(&key, TEXT("secret"));
    seal_write(&key, SEAL_EVENT, TEXT(""), sealed);
    assert_true(seal_open(&key, SEAL_EVENT, text_of(sealed, sizeof(sealed)), &payload));
    assert_int_equal(payload.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_message_opens_with_its_key),
        cmocka_unit_test(a_seal_is_good_for_one_use_only),
        cmocka_unit_test(without_a_secret_the_seal_is_still_a_checksum),
        cmocka_unit_test(every_changed_byte_breaks_the_seal),
        cmocka_unit_test(a_message_cut_short_does_not_open),
        cmocka_unit_test(an_empty_payload_can_be_sealed),
    };

    id_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
