#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/channels/namespaces.h"
#include "gateway/channels/permissions.h"

static struct settings settings;

static void load(const char *json)
{
    struct options_notes notes = {0};

    if (!settings_read(&settings, text(json), "t.json", &notes))
        fail_msg("%s: %s", json, buf_cstring(&notes.error));
    options_notes_fini(&notes);
}

static int unload(void **state)
{
    (void)state;
    settings_fini(&settings);
    return 0;
}

enum action { SUBSCRIBE, PUBLISH, PRESENCE, HISTORY };

static enum access ask(enum action action, const char *channel, const struct person *person)
{
    static enum access (*const ask_for[])(const struct settings *, const struct namespace *,
                                          struct text, const struct person *) = {
        permission_subscribe, permission_publish, permission_presence, permission_history};
    const struct namespace *namespace = namespace_find(&settings, text(channel));

    assert_non_null(namespace);
    return ask_for[action](&settings, namespace, text(channel), person);
}

/* One row for each rule: options of namespace `ns` alone, who asks for what, and the answer. */
#define USER      .person.user = {"42", 2}
#define ANONYMOUS .person.user = {"", 0}
#define CAPS(bits) .has_caps = true, .caps = (bits)
static const struct row {
    const char *options;
    enum action action;
    const char *channel;
    enum access access;
    struct person person;
    bool has_caps;
    unsigned caps; /* for all channels */
} rows[] = {
    /* nothing said: nothing allowed */
    {"", SUBSCRIBE, "ns:a", ACCESS_DENIED, USER},
    {"", PUBLISH, "ns:a", ACCESS_DENIED, USER},
    {"", PRESENCE, "ns:a", ACCESS_DENIED, USER},
    {"", HISTORY, "ns:a", ACCESS_DENIED, USER},
    {"", PUBLISH, "ns:a", ACCESS_DENIED, USER, .person.is_subscribed = true},

    /* 4. private channels take a token, whatever else is allowed */
    {"\"allow_subscribe_for_client\":true", SUBSCRIBE, "$ns:a", ACCESS_DENIED, USER},
    {"\"subscribe_proxy_enabled\":true", SUBSCRIBE, "$ns:a", ACCESS_DENIED, USER},
    {"", SUBSCRIBE, "$ns:a", ACCESS_DENIED, USER, .person.insecure = true},
    {"", SUBSCRIBE, "$ns:a", ACCESS_GRANTED, USER, CAPS(CAP_SUB)},
    {"\"allow_publish_for_client\":true", PUBLISH, "$ns:a", ACCESS_GRANTED, USER},

    /* 6. user-limited channels: whoever is listed, and nobody else, never the proxy */
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#42", ACCESS_GRANTED, USER},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#7,42", ACCESS_GRANTED, USER},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#7,421", ACCESS_DENIED, USER},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#42#7", ACCESS_DENIED, USER},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_user_limited_channels\":true,\"subscribe_proxy_enabled\":true", SUBSCRIBE, "ns:a#7",
     ACCESS_DENIED, USER},
    {"\"allow_user_limited_channels\":true,\"allow_subscribe_for_client\":true", SUBSCRIBE,
     "ns:a#7", ACCESS_DENIED, USER},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a#7", ACCESS_DENIED, USER,
     .person.insecure = true},
    {"\"allow_user_limited_channels\":true", SUBSCRIBE, "ns:a", ACCESS_DENIED, USER},
    {"\"allow_subscribe_for_client\":true", SUBSCRIBE, "ns:a#7", ACCESS_GRANTED, USER},

    /* 7. the proxy comes before the options */
    {"\"subscribe_proxy_enabled\":true", SUBSCRIBE, "ns:a", ACCESS_ASK_PROXY, USER},
    {"\"subscribe_proxy_enabled\":true,\"allow_subscribe_for_client\":true", SUBSCRIBE, "ns:a",
     ACCESS_ASK_PROXY, USER},
    {"\"subscribe_proxy_enabled\":true", SUBSCRIBE, "ns:a", ACCESS_ASK_PROXY, ANONYMOUS,
     .person.insecure = true},
    {"\"subscribe_proxy_enabled\":true", SUBSCRIBE, "ns:a", ACCESS_GRANTED, USER, CAPS(CAP_SUB)},

    /* 9. and 10. */
    {"\"allow_subscribe_for_client\":true", SUBSCRIBE, "ns:a", ACCESS_GRANTED, USER},
    {"\"allow_subscribe_for_client\":true", SUBSCRIBE, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_subscribe_for_anonymous\":true", SUBSCRIBE, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_subscribe_for_anonymous\":true", SUBSCRIBE, "ns:a", ACCESS_DENIED, USER},
    {"\"allow_subscribe_for_client\":true,\"allow_subscribe_for_anonymous\":true", SUBSCRIBE,
     "ns:a", ACCESS_GRANTED, ANONYMOUS},
    {"", SUBSCRIBE, "ns:a", ACCESS_GRANTED, USER, .person.insecure = true},
    {"", SUBSCRIBE, "ns:a", ACCESS_GRANTED, ANONYMOUS, .person.insecure = true},
    {"", SUBSCRIBE, "ns:a", ACCESS_GRANTED, USER, CAPS(CAP_SUB)},
    {"", SUBSCRIBE, "ns:a", ACCESS_DENIED, USER, CAPS(CAP_PUB | CAP_PRESENCE | CAP_HISTORY)},
    {"\"allow_subscribe_for_client\":true", SUBSCRIBE, "ns:a", ACCESS_GRANTED, USER, CAPS(0)},

    /* publish */
    {"\"publish_proxy_enabled\":true", PUBLISH, "ns:a", ACCESS_ASK_PROXY, USER},
    {"\"publish_proxy_enabled\":true,\"allow_publish_for_client\":true", PUBLISH, "ns:a",
     ACCESS_ASK_PROXY, USER},
    {"\"allow_publish_for_client\":true", PUBLISH, "ns:a", ACCESS_GRANTED, USER},
    {"\"allow_publish_for_client\":true", PUBLISH, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_publish_for_client\":true,\"allow_publish_for_anonymous\":true", PUBLISH, "ns:a",
     ACCESS_GRANTED, ANONYMOUS},
    {"\"allow_publish_for_anonymous\":true", PUBLISH, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_publish_for_subscriber\":true", PUBLISH, "ns:a", ACCESS_DENIED, USER},
    {"\"allow_publish_for_subscriber\":true", PUBLISH, "ns:a", ACCESS_GRANTED, USER,
     .person.is_subscribed = true},
    {"\"allow_publish_for_subscriber\":true", PUBLISH, "ns:a", ACCESS_DENIED, ANONYMOUS,
     .person.is_subscribed = true},
    {"\"allow_publish_for_subscriber\":true,\"allow_publish_for_anonymous\":true", PUBLISH, "ns:a",
     ACCESS_GRANTED, ANONYMOUS, .person.is_subscribed = true},
    {"", PUBLISH, "ns:a", ACCESS_GRANTED, USER, .person.insecure = true},
    {"", PUBLISH, "ns:a", ACCESS_GRANTED, USER, CAPS(CAP_PUB)},
    {"", PUBLISH, "ns:a", ACCESS_DENIED, USER, CAPS(CAP_SUB)},

    /* presence */
    {"\"allow_presence_for_client\":true", PRESENCE, "ns:a", ACCESS_GRANTED, USER},
    {"\"allow_presence_for_client\":true", PRESENCE, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_presence_for_client\":true,\"allow_presence_for_anonymous\":true", PRESENCE, "ns:a",
     ACCESS_GRANTED, ANONYMOUS},
    {"\"allow_presence_for_subscriber\":true", PRESENCE, "ns:a", ACCESS_DENIED, USER},
    {"\"allow_presence_for_subscriber\":true", PRESENCE, "ns:a", ACCESS_GRANTED, USER,
     .person.is_subscribed = true},
    {"\"allow_presence_for_subscriber\":true,\"allow_presence_for_anonymous\":true", PRESENCE,
     "ns:a", ACCESS_GRANTED, ANONYMOUS, .person.is_subscribed = true},
    {"", PRESENCE, "ns:a", ACCESS_GRANTED, USER, .person.insecure = true},
    {"", PRESENCE, "ns:a", ACCESS_GRANTED, USER, CAPS(CAP_PRESENCE)},
    {"", PRESENCE, "ns:a", ACCESS_DENIED, USER, CAPS(CAP_HISTORY)},

    /* history */
    {"\"allow_history_for_client\":true", HISTORY, "ns:a", ACCESS_GRANTED, USER},
    {"\"allow_history_for_client\":true", HISTORY, "ns:a", ACCESS_DENIED, ANONYMOUS},
    {"\"allow_history_for_client\":true,\"allow_history_for_anonymous\":true", HISTORY, "ns:a",
     ACCESS_GRANTED, ANONYMOUS},
    {"\"allow_history_for_subscriber\":true", HISTORY, "ns:a", ACCESS_DENIED, USER},
    {"\"allow_history_for_subscriber\":true", HISTORY, "ns:a", ACCESS_GRANTED, USER,
     .person.is_subscribed = true},
    {"\"allow_history_for_subscriber\":true,\"allow_history_for_anonymous\":true", HISTORY, "ns:a",
     ACCESS_GRANTED, ANONYMOUS, .person.is_subscribed = true},
    {"", HISTORY, "ns:a", ACCESS_GRANTED, USER, .person.insecure = true},
    {"", HISTORY, "ns:a", ACCESS_GRANTED, USER, CAPS(CAP_HISTORY)},
    {"", HISTORY, "ns:a", ACCESS_DENIED, USER, CAPS(CAP_PRESENCE)},
};

static void every_rule_decides_as_its_row_says(void **state)
{
    char file[512];

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct text all = TEXT("*");
        struct token_cap cap = {.channels = &all, .channel_count = 1, .match = CAP_WILDCARD,
                                .allow = rows[i].caps};
        const struct token_caps caps = {&cap, 1};
        struct person person = rows[i].person;
        person.caps = rows[i].has_caps ? &caps : NULL;
        snprintf(file, sizeof(file),
                 "{\"channel\":{\"proxy\":{\"subscribe\":{\"endpoint\":\"http://a\"},\"publish\":{"
                 "\"endpoint\":\"http://a\"}},\"namespaces\":[{\"name\":\"ns\"%s%s}]}}",
                 rows[i].options[0] != '\0' ? "," : "", rows[i].options);
        load(file);
        if (ask(rows[i].action, rows[i].channel, &person) != rows[i].access)
            fail_msg("row %zu: %s, action %d in %s", i, rows[i].options, rows[i].action,
                     rows[i].channel);
        settings_fini(&settings);
    }
}

static void channels_without_a_namespace_have_options_of_their_own(void **state)
{
    const struct person user = {.user = TEXT("42")};

    load("{\"channel\":{\"without_namespace\":{\"allow_subscribe_for_client\":true},"
         "\"namespaces\":[{\"name\":\"ns\"}]}}");
    assert_int_equal(ask(SUBSCRIBE, "a", &user), ACCESS_GRANTED);
    assert_int_equal(ask(SUBSCRIBE, "$a", &user), ACCESS_DENIED);
    assert_int_equal(ask(SUBSCRIBE, "ns:a", &user), ACCESS_DENIED);
}

static void a_channel_belongs_to_the_namespace_before_its_first_boundary(void **state)
{
    load("{\"channel\":{\"namespaces\":[{\"name\":\"news\"},{\"name\":\"chat\"},{\"name\":\"a.b-c\"}]}}");
    assert_string_equal(namespace_find(&settings, TEXT("news:go:on"))->name, "news");
    assert_string_equal(namespace_find(&settings, TEXT("$chat:x"))->name, "chat");
    assert_string_equal(namespace_find(&settings, TEXT("a.b-c:"))->name, "a.b-c");
    assert_string_equal(namespace_find(&settings, TEXT("news"))->name, "");
    assert_string_equal(namespace_find(&settings, TEXT(""))->name, "");
    assert_string_equal(namespace_find(&settings, TEXT("$"))->name, "");
    assert_null(namespace_find(&settings, TEXT("new:x")));
    assert_null(namespace_find(&settings, TEXT("newss:x")));
    assert_null(namespace_find(&settings, TEXT(":x")));
    assert_null(namespace_find(&settings, TEXT("n$ews:x")));
    assert_true(text_equal(namespace_name_of(&settings, TEXT("$chat:x")), TEXT("chat")));
    assert_int_equal(namespace_name_of(&settings, TEXT("chat")).len, 0);
    assert_true(channel_is_private(&settings, TEXT("$chat:x")));
    assert_false(channel_is_private(&settings, TEXT("chat:$x")));
    assert_true(channel_is_pattern(TEXT("chat:*")));
    assert_false(channel_is_pattern(TEXT("chat:x")));
}

static void the_marks_in_names_can_be_others(void **state)
{
    load("{\"channel\":{\"namespace_boundary\":\"/\",\"private_prefix\":\"!\",\"user_boundary\":\"@\","
         "\"user_separator\":\";\",\"namespaces\":[{\"name\":\"chat\"}]}}");
    assert_string_equal(namespace_find(&settings, TEXT("!chat/x"))->name, "chat");
    assert_string_equal(namespace_find(&settings, TEXT("chat:x"))->name, "");
    assert_true(channel_is_private(&settings, TEXT("!x")));
    assert_true(channel_lists_user(&settings, TEXT("d@42;43"), TEXT("43")));
    assert_false(channel_lists_user(&settings, TEXT("d#43"), TEXT("43")));
}

static void names_must_fit(void **state)
{
    char name[300];

    load("{\"channel\":{\"max_length\":100,\"namespaces\":[{\"name\":\"free\"},"
         "{\"name\":\"only\",\"channel_regex\":\"^[a-z\\\\d]+$\"},"
         "{\"name\":\"words\",\"channel_regex\":\"^\\\\S+$\"}]}}");
    const struct namespace *none = namespace_find(&settings, TEXT("x"));
    const struct namespace *only = namespace_find(&settings, TEXT("only:x"));
    const struct namespace *words = namespace_find(&settings, TEXT("words:x"));
    memset(name, 'x', sizeof(name));
    assert_int_equal(channel_check_name(&settings, none, text_of(name, 100)), 0);
    assert_int_equal(channel_check_name(&settings, none, text_of(name, 101)), 107);
    assert_int_equal(channel_check_name(&settings, none, TEXT("h\xc3\xa4")), 107);
    assert_int_equal(channel_check_name(&settings, only, TEXT("only:a1")), 0);
    assert_int_equal(channel_check_name(&settings, only, TEXT("$only:a1")), 0);
    assert_int_equal(channel_check_name(&settings, only, TEXT("only:A")), 107);
    assert_int_equal(channel_check_name(&settings, only, TEXT("only:")), 107);
    assert_int_equal(channel_check_name(&settings, only, TEXT("only:a:b")), 107);
    assert_int_equal(channel_check_name(&settings, only, text_of("only:a\0b", 8)), 107);
    assert_int_equal(channel_check_name(&settings, words, TEXT("words:h\xc3\xa4")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_decides_as_its_row_says),
        cmocka_unit_test_teardown(channels_without_a_namespace_have_options_of_their_own, unload),
        cmocka_unit_test_teardown(a_channel_belongs_to_the_namespace_before_its_first_boundary,
                                  unload),
        cmocka_unit_test_teardown(the_marks_in_names_can_be_others, unload),
        cmocka_unit_test_teardown(names_must_fit, unload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
