#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/protocol/deflate.h"

#define LIMIT 100000

static void assert_text(struct text found, struct text expected)
{
    assert_int_equal(found.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(found.at, expected.at, expected.len);
}

static void assert_inflates(struct text compressed, struct text message)
{
    struct buf out = {0};
    assert_int_equal(inflate_message(&out, compressed, message.len), ERR_OK);
    assert_text(buf_text(&out), message);
    buf_fini(&out);
}

static void round_trip(struct text message)
{
    struct buf compressed = {0};
    deflate_message(&compressed, message);
    assert_inflates(buf_text(&compressed), message);
    buf_fini(&compressed);
}

/* ---- messages ---- */

/* The messages "Hello" of RFC 7692 7.2.3. */
static void the_examples_of_rfc_7692_are_read(void **state)
{
    assert_inflates(TEXT("\xf2\x48\xcd\xc9\xc9\x07\x00"), TEXT("Hello")); /* one block */
    assert_inflates(TEXT("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
                    TEXT("Hello")); /* stored */
    assert_inflates(TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
                    TEXT("Hello")); /* a "last" block first */
    assert_inflates(TEXT("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
                    TEXT("Hello")); /* two blocks */
    assert_inflates(TEXT("\x00"), TEXT(""));
    assert_inflates(TEXT("\x02\x00"), TEXT(""));
}

static void hello_is_written_as_in_rfc_7692(void **state)
{
    struct buf out = {0};
    deflate_message(&out, TEXT("Hello"));
    assert_text(buf_text(&out), TEXT("\xf2\x48\xcd\xc9\xc9\x07\x00"));
    buf_reset(&out);
    deflate_message(&out, (struct text){0});
    assert_text(buf_text(&out), TEXT("\x00"));
    buf_fini(&out);
}

static void messages_of_all_sizes_come_back(void **state)
{
    unsigned char *bytes = xmalloc(LIMIT);
    unsigned seed = 1;

    for (size_t i = 0; i < LIMIT; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
    for (size_t len = 0; len <= LIMIT; len = len * 3 / 2 + 1)
        round_trip(text_of(bytes, len)); /* noise: longer compressed than not */
    memset(bytes, 'a', LIMIT);
    for (size_t len = 0; len <= LIMIT; len = len * 3 / 2 + 1)
        round_trip(text_of(bytes, len));
    free(bytes);
}

static void each_message_stands_by_itself(void **state)
{
    struct buf first = {0}, second = {0};
    const struct text message = TEXT("the kettle is on, the kettle is on");

    deflate_message(&first, message);
    deflate_message(&second, message);
    assert_text(buf_text(&second), buf_text(&first));
    assert_inflates(buf_text(&second), message);
    buf_fini(&first);
    buf_fini(&second);
}

static void both_append(void **state)
{
    struct buf compressed = {0}, out = {0};

    buf_add_text(&compressed, TEXT("head"));
    deflate_message(&compressed, TEXT("Hello"));
    assert_text(buf_text(&compressed), TEXT("head\xf2\x48\xcd\xc9\xc9\x07\x00"));
    buf_add_text(&out, TEXT("head"));
    assert_int_equal(inflate_message(&out, text_after(buf_text(&compressed), 4), 5), ERR_OK);
    assert_text(buf_text(&out), TEXT("headHello"));
    assert_int_equal(inflate_message(&out, TEXT("\xf2\x48\xcd"), 5), ERR_INVALID);
    assert_text(buf_text(&out), TEXT("headHello"));
    buf_fini(&compressed);
    buf_fini(&out);
}

static void a_message_may_say_its_limit_and_not_a_byte_more(void **state)
{
    struct buf compressed = {0}, out = {0};
    char *letters = xmalloc(LIMIT);

    memset(letters, 'a', LIMIT);
    deflate_message(&compressed, text_of(letters, LIMIT));
    assert_true(compressed.len < LIMIT / 100);
    assert_int_equal(inflate_message(&out, buf_text(&compressed), LIMIT), ERR_OK);
    assert_text(buf_text(&out), text_of(letters, LIMIT));
    assert_int_equal(out.cap, LIMIT); /* not a byte more is set aside */
    buf_fini(&out);
    assert_int_equal(inflate_message(&out, buf_text(&compressed), LIMIT - 1), ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    assert_true(out.cap < LIMIT);
    assert_int_equal(inflate_message(&out, buf_text(&compressed), 0), ERR_TOO_LARGE);
    assert_int_equal(inflate_message(&out, TEXT("\x00"), 0), ERR_OK);
    free(letters);
    buf_fini(&out);
    buf_fini(&compressed);
}

static void broken_messages_are_refused(void **state)
{
    static const struct text bad[] = {
        TEXT(""),
        TEXT("\xf2\x48\xcd\xc9\xc9"),             /* cut off */
        TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00"),     /* a last block, and no other after it */
        TEXT("\x00\x05\x00\xfa\xff\x48\x65\x6c"), /* a stored block cut off */
        TEXT("\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00"), /* with a wrong length */
        TEXT("\x06\x00"),                                     /* a block of no kind */
        TEXT("\x62\x20\x01\x00"),                             /* reaches back before its start */
        TEXT("Hello"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct buf out = {0};
        assert_int_equal(inflate_message(&out, bad[i], LIMIT), ERR_INVALID);
        assert_int_equal(out.len, 0);
        buf_fini(&out);
    }
    assert_inflates(TEXT("\xf2\x48\xcd\xc9\xc9\x07\x00"), TEXT("Hello")); /* and forgotten */
}

static void *use_streams(void *arg)
{
    round_trip(TEXT("a thread's own"));
    return arg;
}

static void a_thread_takes_its_streams_with_it(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_streams, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0); /* the leak sanitizer sees what is left */
}

/* ---- negotiation ---- */

#define PLAIN "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void accepted(const char *offers, const char *expected)
{
    char answer[DEFLATE_ANSWER_MAX];
    assert_true(deflate_negotiate(text(offers), answer));
    assert_string_equal(answer, expected);
}

static void declined(const char *offers)
{
    char answer[DEFLATE_ANSWER_MAX];
    assert_false(deflate_negotiate(text(offers), answer));
}

static void what_browsers_offer_is_accepted(void **state)
{
    accepted("permessage-deflate", PLAIN);
    accepted("permessage-deflate; client_max_window_bits", PLAIN);
    accepted("permessage-deflate;client_max_window_bits=8 ;\tserver_no_context_takeover", PLAIN);
    accepted(" permessage-deflate ; client_no_context_takeover; client_max_window_bits=\"15\" ",
             PLAIN);
}

static void a_limit_of_our_window_is_accepted_only_if_it_is_none(void **state)
{
    accepted("permessage-deflate; server_max_window_bits=15", PLAIN "; server_max_window_bits=15");
    declined("permessage-deflate; server_max_window_bits=14");
    declined("permessage-deflate; server_max_window_bits=8");
    declined("permessage-deflate; server_max_window_bits");
}

static void malformed_and_unknown_parameters_are_declined(void **state)
{
    static const char *const parameters[] = {
        "",
        "more",
        "server_no_context_takeover=1",
        "client_no_context_takeover=",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=08",
        "client_max_window_bits=",
        "client_max_window_bits=1x",
        "client_max_window_bits=115",
        "client_max_window_bits = 15",
        "client_max_window_bits=\"15",
        "client_max_window_bits; client_max_window_bits",
        "server_max_window_bits=\"\"",
        "Server_no_context_takeover",
        "server_no_context_takeover;",
        "=",
        "=15",
    };
    for (size_t i = 0; i < ARRAY_COUNT(parameters); i++) {
        struct buf offer = {0};
        buf_printf(&offer, "permessage-deflate; %s", parameters[i]);
        declined(buf_cstring(&offer));
        buf_fini(&offer);
    }
}

static void other_extensions_are_not_taken_for_ours(void **state)
{
    declined("");
    declined(",");
    declined("x-webkit-deflate-frame");
    declined("permessage-deflate2");
    declined("permessage-bzip2, \"permessage-deflate\"");
    declined("more; value=\", permessage-deflate\"");
    declined("more; value=\"\\\", permessage-deflate\"");
    declined("more; value=\", permessage-deflate");
}

static void the_first_acceptable_offer_counts(void **state)
{
    accepted("permessage-deflate; server_max_window_bits=10, permessage-deflate", PLAIN);
    accepted("permessage-deflate; server_max_window_bits=15, permessage-deflate",
             PLAIN "; server_max_window_bits=15");
    accepted(
        "more; value=\"a, b; c\", ,permessage-deflate; unknown,permessage-deflate; client_max_window_bits=9",
        PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_7692_are_read),
        cmocka_unit_test(hello_is_written_as_in_rfc_7692),
        cmocka_unit_test(messages_of_all_sizes_come_back),
        cmocka_unit_test(each_message_stands_by_itself),
        cmocka_unit_test(both_append),
        cmocka_unit_test(a_message_may_say_its_limit_and_not_a_byte_more),
        cmocka_unit_test(broken_messages_are_refused),
        cmocka_unit_test(a_thread_takes_its_streams_with_it),
        cmocka_unit_test(what_browsers_offer_is_accepted),
        cmocka_unit_test(a_limit_of_our_window_is_accepted_only_if_it_is_none),
        cmocka_unit_test(malformed_and_unknown_parameters_are_declined),
        cmocka_unit_test(other_extensions_are_not_taken_for_ours),
        cmocka_unit_test(the_first_acceptable_offer_counts),
    };
    return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
